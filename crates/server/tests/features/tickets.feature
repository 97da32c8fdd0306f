Feature: Checkout with held tickets (PRD-004)
  Held tickets become an order; a payment confirms it; cancelling frees the hold; repeating is safe.

  @PRD004-US-1
  Scenario: A customer completes checkout with held tickets
    When a customer checks out 2 tickets at 50.00 with key "k"
    Then the answer is 201
    And the ticket order is pending
    And the answer's "/total_amount" is 100.00

  @PRD004-US-2
  Scenario: A customer confirms the payment
    Given a checkout of 2 tickets at 50.00
    When the customer confirms
    Then the answer is 200
    And the ticket order is confirmed

  @PRD004-US-3
  Scenario: A customer sees status and confirmation
    Given a checkout of 2 tickets at 50.00
    When the customer looks at the ticket order
    Then the ticket order is pending
    When the customer confirms
    And the customer looks at the ticket order
    Then the ticket order is confirmed
    And the answer's "/payment/status" is "succeeded"

  @PRD004-US-4
  Scenario: A customer cancels
    Given a checkout of 2 tickets at 50.00
    When the customer cancels
    Then the answer is 200
    And the ticket order is cancelled

  @PRD004-US-5
  Scenario: A customer's retry makes no second order
    When a customer checks out 2 tickets at 50.00 with key "k"
    And a customer checks out 2 tickets at 50.00 with key "k"
    Then the answer is 200
    And it is the same order as before
    And there is 1 order

  @PRD004-US-6
  Scenario: A gateway creates, confirms, reads and cancels over HTTP with JSON only
    When a customer checks out 1 ticket at 19.99 with key "gateway-1"
    Then the answer is 201
    And the answer is JSON
    When the customer confirms
    Then the answer is JSON
    When the customer looks at the ticket order
    Then the answer is JSON
    When the customer cancels
    Then the answer is 400 invalid_state
    And the answer is JSON

  @PRD004-US-8
  Scenario: An operator sees how many orders and payments succeed and fail
    Given a checkout of 2 tickets at 50.00
    When the customer confirms with "card_stub_decline"
    And the customer confirms with "card_stub"
    Then the measure order_create_total{status="created"} is 1
    And the measure payment_capture_total{status="failed"} is 1
    And the measure payment_capture_total{status="captured"} is 1

  @PRD004-US-9
  Scenario: Support finds an order by the customer's e-mail
    Given a checkout of 2 tickets at 50.00
    When support looks for orders of "user@example.com"
    Then 1 order is listed
    When support looks for orders of "nobody@example.com"
    Then 0 orders are listed

  @PRD004-FR-1.5
  Scenario: A used key gives the order as it is now
    When a customer checks out 2 tickets at 50.00 with key "k"
    And the customer confirms
    And a customer checks out 2 tickets at 50.00 with key "k"
    Then the answer is 200
    And the ticket order is confirmed

  @PRD004-FR-3.5
  Scenario Outline: A finished order goes no further
    Given a checkout of 2 tickets at 50.00
    And the customer <finishes>
    When the customer <tries>
    Then the answer is 400 invalid_state
    When the customer looks at the ticket order
    Then the ticket order is <word>

    Examples:
      | finishes | tries    | word      |
      | cancels  | confirms | cancelled |
      | cancels  | cancels  | cancelled |
      | confirms | cancels  | confirmed |

  @PRD004-FR-4.5
  Scenario: A failed payment confirms nothing, and another may succeed
    Given a checkout of 2 tickets at 50.00
    When the customer confirms with "card_stub_decline"
    Then the answer is 402 payment_failed
    When the customer looks at the ticket order
    Then the ticket order is pending
    And the answer's "/payment/status" is "failed"
    When the customer confirms with "card_stub"
    Then the answer is 200
    And the ticket order is confirmed

  @PRD004-FR-5.4
  Scenario: Confirming a confirmed order succeeds and charges nothing
    Given a checkout of 2 tickets at 50.00
    When the customer confirms
    And the customer confirms
    Then the answer is 200
    And it is the same answer as before
    And the history is ORDER_CREATED, PAYMENT_REQUESTED, PAYMENT_SUCCEEDED

  @PRD004-Order-customer_email
  Scenario: A checkout without an e-mail is refused
    When a customer checks out without "customer_email"
    Then the answer is 422 validation_error
    And there are 0 orders

  @PRD004-OrderItem-ticket_type_id
  Scenario: A checkout of tickets without a type is refused
    When a customer checks out tickets without "ticket_type_id"
    Then the answer is 422 validation_error
    When a customer checks out tickets without "session_id"
    Then the answer is 422 validation_error
    And there are 0 orders

  @PRD004-example-create-request
  Scenario: The example of the document is taken as it stands
    When this is sent to POST /orders with key "0b7a2c34-1111-4222-8333-000000000001":
      """
      {
        "customer_email": "user@example.com",
        "hold_id": "0b7a2c34-1111-4222-8333-444455556666",
        "items": [
          {
            "session_id": "0b7a2c34-aaaa-4222-8333-444455556666",
            "ticket_type_id": "0b7a2c34-bbbb-4222-8333-444455556666",
            "quantity": 2,
            "unit_price": 50.00
          }
        ]
      }
      """
    Then the answer is 201
    And the answer's "/items/0/session_id" is "0b7a2c34-aaaa-4222-8333-444455556666"
    And the answer's "/items/0/ticket_type_id" is "0b7a2c34-bbbb-4222-8333-444455556666"
    And the answer's "/items/0/quantity" is 2
    And the answer's "/items/0/unit_price" is 50.00

  @PRD004-example-create-201
  Scenario: A new order answers with its five fields
    When a customer checks out 2 tickets at 50.00 with key "k"
    Then the answer is 201
    And the answer has order_id, status, total_amount, items, created_at and nothing else

  @PRD004-example-create-200
  Scenario: A repeated one tells that the order is there
    When a customer checks out 2 tickets at 50.00 with key "k"
    And a customer checks out 2 tickets at 50.00 with key "k"
    Then the answer is 200
    And the answer's "/total_amount" is 100.00
    And the answer's "/message" is "Order already exists for this idempotency key"

  @PRD004-example-confirm-200
  Scenario: A confirmation answers with the payment
    Given a checkout of 2 tickets at 50.00
    When the customer confirms
    Then the answer has order_id, status, payment and nothing else
    And the answer's "/payment/status" is "succeeded"
    And the answer's "/payment/amount" is 100.00

  @PRD004-example-cancel-200
  Scenario: A cancellation answers with order and status
    Given a checkout of 2 tickets at 50.00
    When the customer cancels
    Then the answer has order_id, status and nothing else

  @PRD004-example-cancel-400
  Scenario: Cancelling a confirmed order says why not
    Given a checkout of 2 tickets at 50.00
    And the customer confirms
    When the customer cancels
    Then the answer is 400 invalid_state
    And the answer's "/message" is "Cannot cancel confirmed order"

  @PRD004-AC-1
  Scenario: POST /orders creates an order that is pending
    When a customer checks out 3 tickets at 19.99 with key "k"
    Then the answer is 201
    And the ticket order is pending
    And the answer's "/total_amount" is 59.97

  @PRD004-AC-2
  Scenario: A duplicate key returns the existing order
    When a customer checks out 3 tickets at 19.99 with key "k"
    And a customer checks out 3 tickets at 19.99 with key "k"
    Then the answer is 200
    And it is the same order as before

  @PRD004-AC-3
  Scenario: Confirm updates the status and processes the payment
    Given a checkout of 2 tickets at 50.00
    When the customer confirms
    Then the ticket order is confirmed
    And the answer's "/payment/status" is "succeeded"
    And the answer's "/payment/payment_method" is "card_stub"

  @PRD004-AC-4
  Scenario: A confirmed order writes order.confirmed down for publishing, in the same transaction
    Given a checkout of 2 tickets at 50.00
    And 2 messages wait in the outbox
    When the customer confirms
    Then 6 messages wait in the outbox
    And order.confirmed is told once

  @PRD004-AC-5
  Scenario: Cancel updates the status
    Given a checkout of 2 tickets at 50.00
    When the customer cancels
    And the customer looks at the ticket order
    Then the ticket order is cancelled

  @PRD004-AC-6
  Scenario: A cancelled order writes order.cancelled down for publishing, in the same transaction
    Given a checkout of 2 tickets at 50.00
    And 2 messages wait in the outbox
    When the customer cancels
    Then 4 messages wait in the outbox
    And order.cancelled is told once
    And the event ORDER_CANCELED has "reason" "user_requested"
    And the audit finds nothing wrong

  @PRD004-AC-7
  Scenario: A confirmed order cannot be cancelled
    Given a checkout of 2 tickets at 50.00
    And the customer confirms
    When the customer cancels
    Then the answer is 400 invalid_state
    When the customer looks at the ticket order
    Then the ticket order is confirmed

  @PRD004-AC-8
  Scenario: GET /orders/{id} returns the details
    Given a checkout of 2 tickets at 50.00
    When the customer looks at the ticket order
    Then the answer is 200
    And the answer's "/customer_email" is "user@example.com"
    And the answer's "/total_amount" is 100.00
    And the answer's "/items/0/quantity" is 2
    And the answer's "/items/0/unit_price" is 50.00

  @PRD004-AC-10 @PRD004-METRIC-2
  Scenario: 100 orders at once with different keys all succeed, and so do their confirmations
    When 100 customers check out at once, each with a key
    Then all 100 answers are 201
    And all 100 answers are of different orders
    And there are 100 orders
    When all of them confirm at once
    Then all 100 answers are 200
    And the audit finds nothing wrong

  @PRD004-AC-11
  Scenario: 100 retries with one key make one order
    When the same checkout is sent 100 times at once
    Then 1 answer is 201 and 99 are 200
    And all 100 answers are of one order
    And there is 1 order
    And the audit finds nothing wrong

  @PRD004-NFR-1.3
  Scenario: 60 operations of every kind at once are all served
    Given 60 checkouts
    When 20 of them are confirmed, 20 cancelled and 20 read at once
    Then all 60 answers are 200
    And the audit finds nothing wrong
