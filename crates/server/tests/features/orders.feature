Feature: Orders at the canonical door (B-0240)
  An order keeps the prices it was made at, reserves stock, is safe to repeat, and tells its whole history.

  Background:
    Given "TEA" costs 10.00 USD and 10 are in stock
    And "POT" costs 25.50 USD and 2 are in stock

  @B0240-DOD-1
  Scenario: An order is created, read, listed and cancelled
    When "u-1" orders 2 "TEA" with key "k"
    Then the answer is 201
    And the order is CREATED
    And the order's "total_amount" is 20.00
    When the order is read
    Then the answer is 200
    And the order is CREATED
    When the orders are listed
    Then 1 order is listed
    When the order is cancelled because "changed my mind"
    Then the answer is 200
    And the order is CANCELED
    And the order's "cancellation_reason" is "changed my mind"

  @B0240-API-3
  Scenario: A customer's orders are listed by his id, the newest first
    When "u-1" orders 1 "TEA" with key "a"
    And "u-2" orders 1 "TEA" with key "b"
    And "u-1" orders 1 "POT" with key "c"
    And the orders of "u-1" are listed
    Then 2 orders are listed
    And the first of them has "POT"

  @B0240-DOD-2
  Scenario: A price that changed since the buyer saw it refuses the order at once
    Given the price of "TEA" becomes 12.50 USD
    When "u-1" orders 2 "TEA" for 10.00 each with key "k"
    Then the answer is 409 PRICE_CHANGED
    And the answer's "/lines/0/old_unit_price" is 10.00
    And the answer's "/lines/0/new_unit_price" is 12.50
    And there are 0 orders
    And of "TEA" 10 are in stock and 0 reserved
    When "u-1" orders 2 "TEA" for 12.50 each with key "k"
    Then the answer is 201
    And the order's "total_amount" is 25.00

  @B0240-DOD-2-stock
  Scenario: A changed price is told before missing stock
    Given the price of "TEA" becomes 12.50 USD
    When "u-1" orders 99 "TEA" for 10.00 each with key "k"
    Then the answer is 409 PRICE_CHANGED

  @B0240-DOD-3
  Scenario: A line that is short rolls every line back
    When "u-1" orders 2 "TEA" and 3 "POT" with key "k"
    Then the answer is 409 OUT_OF_STOCK
    And the answer's "/lines/0/sku_id" is "POT"
    And the answer's "/lines/0/requested" is 3
    And the answer's "/lines/0/available" is 2
    And of "TEA" 10 are in stock and 0 reserved
    And of "POT" 2 are in stock and 0 reserved
    And there are 0 orders

  @B0240-DOD-3-release
  Scenario: Placing reserves, cancelling releases, and only once
    When "u-1" orders 2 "TEA" and 1 "POT" with key "k"
    Then of "TEA" 10 are in stock and 2 reserved
    And of "POT" 2 are in stock and 1 reserved
    When the order is cancelled
    And the order is cancelled
    Then the answer is 200
    And of "TEA" 10 are in stock and 0 reserved
    And of "POT" 2 are in stock and 0 reserved

  @B0240-DOD-4
  Scenario: Status and cause are traced by events
    When "u-1" orders 1 "TEA" with key "k"
    And the order is cancelled because "changed my mind"
    Then the history is ORDER_CREATED, INVENTORY_RESERVED, ORDER_CANCELED, INVENTORY_RELEASED
    And the event ORDER_CANCELED has "reason" "changed my mind"
    And the audit finds nothing wrong

  @B0240-DOD-4-paid
  Scenario: A paid order has handed its stock out, and cannot be cancelled here
    When "u-1" orders 3 "TEA" with key "k"
    And the order is confirmed
    Then of "TEA" 7 are in stock and 0 reserved
    And the history is ORDER_CREATED, INVENTORY_RESERVED, PAYMENT_REQUESTED, PAYMENT_SUCCEEDED, INVENTORY_DEDUCTED
    When the order is cancelled
    Then the answer is 409 INVALID_TRANSITION
    And of "TEA" 7 are in stock and 0 reserved

  @B0240-DOD-5
  Scenario: A repeated key makes no second order
    When "u-1" orders 2 "TEA" with key "k"
    And "u-1" orders 2 "TEA" with key "k"
    Then the answer is 200
    And it is the same order as before
    And there is 1 order
    And of "TEA" 10 are in stock and 2 reserved
    When "u-1" orders 3 "TEA" with key "k"
    Then the answer is 422 IDEMPOTENCY_KEY_REUSED
    And there is 1 order

  @FLOW-3.4-4
  Scenario: An order that is paid on delivery waits for its money without a deadline
    When "u-1" orders 1 "TEA" to be paid by "cod" with key "k"
    Then the answer is 201
    And the order's "payment_status" is "pending"
    And the order's "expires_at" is null
