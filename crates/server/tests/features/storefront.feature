Feature: Orders of a storefront (Order Service)
  An order is created, confirmed by its payment, prepared, shipped and delivered; or cancelled, and everything comes back.

  Background:
    Given "TEA" costs 19.99 USD and 10 are in stock

  @SCHEMA-CREATE-2
  Scenario: Lines and stock are checked before an order is created
    When "ada" buys 11 of product "product-of-TEA"
    Then the answer is 409 OUT_OF_STOCK
    When "ada" buys 1 of product "no-such-product"
    Then the answer is 422 UNKNOWN_PRODUCT
    And there are 0 orders

  @SCHEMA-CREATE-4 @SCHEMA-CREATE-5 @SCHEMA-CREATE-7 @SCHEMA-API-1 @SCHEMA-status-PENDING
  Scenario: An order is created, its totals calculated, its stock reserved
    When "ada" buys 3 of product "product-of-TEA"
    Then the answer is 201
    And the store order is PENDING
    And the answer's "/subtotal" is 59.97
    And the answer's "/tax_amount" is 0.00
    And the answer's "/shipping_amount" is 0.00
    And the answer's "/total_amount" is 59.97
    And the answer's "/items/0/product_name" is "TEA by the piece"
    And of "TEA" 10 are in stock and 3 reserved
    And order.created is told once

  @SCHEMA-CONFIRM-1 @SCHEMA-CONFIRM-2 @SCHEMA-CONFIRM-3 @SCHEMA-CONFIRM-4 @SCHEMA-event-payment.confirmed @SCHEMA-status-CONFIRMED @SCHEMA-MOVE-1
  Scenario: A payment that another service took confirms the order and takes its stock out
    Given "ada" has bought 3 of product "product-of-TEA"
    When another service tells that 59.97 were paid
    Then the answer is 200
    And the store order is CONFIRMED
    And of "TEA" 7 are in stock and 0 reserved
    And order.confirmed is told once

  @SCHEMA-event-payment.failed
  Scenario: A payment that failed cancels the order and frees its stock
    Given "ada" has bought 3 of product "product-of-TEA"
    When another service tells that the payment failed
    Then the answer is 200
    And the store order is CANCELLED
    And of "TEA" 10 are in stock and 0 reserved
    And order.cancelled is told once

  @SCHEMA-MOVE-2 @SCHEMA-MOVE-3 @SCHEMA-MOVE-4 @SCHEMA-API-3 @SCHEMA-API-4 @SCHEMA-API-5 @SCHEMA-ORM-8 @SCHEMA-status-PROCESSING @SCHEMA-status-SHIPPED @SCHEMA-status-DELIVERED
  Scenario: A paid order is prepared, shipped and delivered, and its history tells so
    Given "ada" has bought 3 of product "product-of-TEA"
    And its customer has paid
    When an admin puts it to PROCESSING
    Then the store order is PROCESSING
    When an admin puts it to SHIPPED with tracking "T-1"
    Then the store order is SHIPPED
    And order.shipped is told once
    When the tracking is read
    Then the answer's "/tracking_number" is "T-1"
    And the answer's "/status" is "SHIPPED"
    When an admin puts it to DELIVERED
    Then the store order is DELIVERED
    And order.delivered is told once
    And the status history is PENDING, CONFIRMED, PROCESSING, SHIPPED, DELIVERED
    And of "TEA" 7 are in stock and 0 reserved
    And the audit finds nothing wrong

  @SCHEMA-API-4-skip
  Scenario Outline: No status is skipped by hand
    Given "ada" has bought 1 of product "product-of-TEA"
    When an admin puts it to <status>
    Then the answer is 409 INVALID_TRANSITION
    And the store order is PENDING

    Examples:
      | status     |
      | CONFIRMED  |
      | PROCESSING |
      | SHIPPED    |
      | DELIVERED  |
      | REFUNDED   |

  @SCHEMA-CANCEL-1
  Scenario Outline: What was shipped or delivered cannot be cancelled
    Given "ada" has bought 1 of product "product-of-TEA"
    And its customer has paid
    And an admin puts it to PROCESSING
    And an admin puts it to SHIPPED
    And an admin puts it to <last>
    When the store order is cancelled
    Then the answer is 409 INVALID_TRANSITION
    And the store order is <last>

    Examples:
      | last      |
      | SHIPPED   |
      | DELIVERED |

  @SCHEMA-CANCEL-2 @SCHEMA-CANCEL-3 @SCHEMA-CANCEL-5 @SCHEMA-API-6 @SCHEMA-MOVE-5 @SCHEMA-status-CANCELLED
  Scenario: An unpaid order is cancelled and its stock is free again
    Given "ada" has bought 3 of product "product-of-TEA"
    When the store order is cancelled
    Then the answer is 200
    And the store order is CANCELLED
    And of "TEA" 10 are in stock and 0 reserved
    And order.cancelled is told once
    And the status history is PENDING, CANCELLED

  @SCHEMA-CANCEL-4 @SCHEMA-MOVE-6
  Scenario: A paid order is cancelled: its goods come back and its money goes back
    Given "ada" has bought 3 of product "product-of-TEA"
    And its customer has paid
    When the store order is cancelled
    Then the answer is 200
    And the store order is CANCELLED
    And of "TEA" 10 are in stock and 0 reserved
    And its money goes back
    And payment.refunded is told once
    And the audit finds nothing wrong

  @SCHEMA-API-2
  Scenario: A customer's history has his orders only
    Given "ada" has bought 1 of product "product-of-TEA"
    And "bob" has bought 1 of product "product-of-TEA"
    When the store orders of "ada" are listed
    Then 1 order is listed
    And the answer's "/items/0/user_id" is "ada"
