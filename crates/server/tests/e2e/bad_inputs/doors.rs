//! The doors: what a good request looks like at each. A new door is one entry here; every rule of the catalogue that
//! fits its fields is then tried at it.

use super::fields::Kind::{self, Choice, Country, Currency, Email, Integer, Items, Metadata, Money, Object, Quantity, Text, Time, Uuid};
use super::row::Form::{self, Details, Tickets};

/// What is in all good bodies and must never be told back nor logged.
pub(super) const CANARY: &str = "canary7f3e";

/// A door that takes a body.
pub(super) struct Door {
    pub(super) method: &'static str,
    /// `{order}`, `{ticket}` and so on stand for what the shop has, in the good body too.
    pub(super) path: &'static str,
    pub(super) form: Form,
    /// With every field that there is.
    pub(super) good: &'static str,
    /// What the good body is answered with.
    pub(super) status: u16,
    pub(super) needs: Needs,
    pub(super) required: &'static [&'static str],
    /// What the service alone decides; a caller who sends it is told so.
    pub(super) read_only: &'static [&'static str],
    pub(super) fields: &'static [(&'static str, Kind)],
}

/// What a call must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// A body and a key.
    Key,
    /// A body and a key, which may stand in the body.
    KeyAnywhere,
    /// A body.
    Body,
    /// A body, and it knows no key: it is safe to repeat by what it says.
    Unkeyed,
    /// Neither.
    Nothing,
}

impl Needs {
    pub(super) fn key(self) -> bool {
        matches!(self, Self::Key | Self::KeyAnywhere)
    }

    pub(super) fn body(self) -> bool {
        self != Self::Nothing
    }
}

const WORD: Kind = Text { least: 1, most: 100, is_word: true, has_lines: false };
const SHORT: Kind = Text { least: 1, most: 255, is_word: false, has_lines: false };

const STOCK: &[(&str, Kind)] = &[("/qty", Quantity), ("/ref_type", WORD), ("/ref_id", WORD)];

/// In the order in which their good bodies can be sent one after the other.
pub(super) const DOORS: &[Door] = &[
    Door {
        method: "PUT",
        path: "/api/v1/skus/NEW",
        form: Details,
        good: r#"{"product_id":"p","name":"canary7f3e","status":"ACTIVE","tax_class":"standard","title":"t","author":"a"}"#,
        status: 201,
        needs: Needs::Body,
        required: &["/product_id", "/name"],
        read_only: &[],
        fields: &[
            ("/product_id", WORD),
            ("/name", SHORT),
            ("/status", Choice),
            ("/tax_class", WORD),
            ("/title", SHORT),
            ("/author", SHORT),
        ],
    },
    Door {
        method: "POST",
        path: "/api/v1/offers",
        form: Details,
        good: r#"{"sku_id":"TEA","price":"10.00","currency":"USD","priority":-1,"valid_from":"2026-01-01T00:00:00Z","valid_to":"2099-01-01T00:00:00Z","status":"ACTIVE"}"#,
        status: 201,
        needs: Needs::Body,
        required: &["/sku_id", "/price", "/currency"],
        read_only: &[],
        fields: &[
            ("/sku_id", WORD),
            ("/price", Money),
            ("/currency", Currency),
            ("/priority", Integer),
            ("/valid_from", Time),
            ("/valid_to", Time),
            ("/status", Choice),
        ],
    },
    Door {
        method: "PATCH",
        path: "/api/v1/offers/{offer}",
        form: Details,
        good: r#"{"price":"10.00","priority":0,"valid_from":"2026-01-01T00:00:00Z","valid_to":null,"status":"ACTIVE"}"#,
        status: 200,
        needs: Needs::Body,
        required: &[],
        read_only: &["offer_id", "sku_id", "currency"],
        fields: &[("/price", Money), ("/priority", Integer), ("/valid_from", Time), ("/valid_to", Time), ("/status", Choice)],
    },
    Door {
        method: "POST",
        path: "/api/v1/inventory/TEA/restock",
        form: Details,
        good: r#"{"qty":5,"ref_type":"canary7f3e","ref_id":"r"}"#,
        status: 200,
        needs: Needs::Body,
        required: &["/qty"],
        read_only: &[],
        fields: STOCK,
    },
    Door {
        method: "POST",
        path: "/api/v1/inventory/TEA/reserve",
        form: Details,
        good: r#"{"qty":2,"ref_type":"canary7f3e","ref_id":"r"}"#,
        status: 200,
        needs: Needs::Body,
        required: &["/qty"],
        read_only: &[],
        fields: STOCK,
    },
    Door {
        method: "POST",
        path: "/api/v1/inventory/TEA/release",
        form: Details,
        good: r#"{"qty":1,"ref_type":"canary7f3e","ref_id":"r"}"#,
        status: 200,
        needs: Needs::Body,
        required: &["/qty"],
        read_only: &[],
        fields: STOCK,
    },
    Door {
        method: "POST",
        path: "/api/v1/inventory/TEA/deduct",
        form: Details,
        good: r#"{"qty":1,"ref_type":"canary7f3e","ref_id":"r"}"#,
        status: 200,
        needs: Needs::Body,
        required: &["/qty"],
        read_only: &[],
        fields: STOCK,
    },
    Door {
        method: "POST",
        path: "/api/v1/inventory/TEA/adjust",
        form: Details,
        good: r#"{"qty":-1,"ref_type":"canary7f3e","ref_id":"a"}"#,
        status: 200,
        needs: Needs::Body,
        required: &["/qty"],
        read_only: &[],
        fields: &[("/qty", Kind::Correction), ("/ref_type", WORD), ("/ref_id", WORD)],
    },
    Door {
        method: "POST",
        path: "/api/v1/orders",
        form: Details,
        good: r#"{"user_id":"u","customer_email":"canary7f3e@mail.example","external_id":"e","currency":"USD","items":[{"sku_id":"TEA","qty":1,"expected_unit_price":10.00,"offer_id":null}],"shipping_address":{"name":"canary7f3e","line1":"1 Main Street","line2":"l","city":"Springfield","region":"IL","postal_code":"62701","country":"US","company":"c","phone":"+1 555 0100"},"billing_address_id":"b","shipping_address_id":"s","payment_method":"card_stub","notes":"canary7f3e","metadata":{"a":"canary7f3e"}}"#,
        status: 201,
        needs: Needs::KeyAnywhere,
        required: &[
            "/items",
            "/items/0/sku_id",
            "/items/0/qty",
            "/shipping_address/name",
            "/shipping_address/line1",
            "/shipping_address/city",
            "/shipping_address/region",
            "/shipping_address/postal_code",
            "/shipping_address/country",
        ],
        read_only: &[
            "price",
            "total",
            "total_amount",
            "status",
            "payment_status",
            "discount",
            "customer_id",
            "paid",
            "order_id",
            "version",
            "created_at",
            "items/0/unit_price",
            "items/0/price",
        ],
        fields: &[
            ("/user_id", WORD),
            ("/customer_email", Email),
            ("/external_id", WORD),
            ("/currency", Currency),
            ("/items", Items),
            ("/items/0/sku_id", WORD),
            ("/items/0/qty", Quantity),
            ("/items/0/expected_unit_price", Money),
            ("/items/0/offer_id", Uuid),
            ("/shipping_address", Object),
            ("/shipping_address/name", SHORT),
            ("/shipping_address/line1", SHORT),
            ("/shipping_address/postal_code", Text { least: 1, most: 20, is_word: false, has_lines: false }),
            ("/shipping_address/country", Country),
            ("/shipping_address/phone", Text { least: 1, most: 50, is_word: false, has_lines: false }),
            ("/billing_address_id", WORD),
            ("/payment_method", WORD),
            ("/notes", Text { least: 0, most: 2000, is_word: false, has_lines: true }),
            ("/metadata", Metadata),
        ],
    },
    Door {
        method: "POST",
        path: "/orders",
        form: Tickets,
        good: r#"{"customer_email":"canary7f3e@mail.example","hold_id":"67e55044-10b1-426f-9247-bb680e5fe0c8","payment_method":"card_stub","items":[{"session_id":"67e55044-10b1-426f-9247-bb680e5fe0c9","ticket_type_id":"67e55044-10b1-426f-9247-bb680e5fe0ca","quantity":1,"unit_price":19.99}]}"#,
        status: 201,
        needs: Needs::Key,
        required: &[
            "/customer_email",
            "/hold_id",
            "/items",
            "/items/0/session_id",
            "/items/0/ticket_type_id",
            "/items/0/quantity",
            "/items/0/unit_price",
        ],
        read_only: &["status", "total_amount", "order_id", "id"],
        fields: &[
            ("/customer_email", Email),
            ("/hold_id", Uuid),
            ("/payment_method", WORD),
            ("/items", Items),
            ("/items/0/session_id", Uuid),
            ("/items/0/quantity", Quantity),
            ("/items/0/unit_price", Money),
        ],
    },
    Door {
        method: "POST",
        path: "/orders/{ticket}/confirm",
        form: Tickets,
        good: r#"{"payment_method":"card_stub"}"#,
        status: 200,
        needs: Needs::Nothing,
        required: &[],
        read_only: &[],
        fields: &[("/payment_method", WORD)],
    },
    Door {
        method: "POST",
        path: "/orders/{other_ticket}/cancel",
        form: Tickets,
        good: "{}",
        status: 200,
        needs: Needs::Nothing,
        required: &[],
        read_only: &[],
        fields: &[],
    },
    Door {
        method: "POST",
        path: "/api/orders",
        form: Details,
        good: r#"{"user_id":"u","customer_email":"canary7f3e@mail.example","currency":"USD","shipping_address_id":"s","billing_address_id":"b","payment_method":"card_stub","notes":"canary7f3e","items":[{"product_id":"product-of-TEA","product_sku":"TEA","quantity":1}]}"#,
        status: 201,
        needs: Needs::Body,
        required: &["/user_id", "/shipping_address_id", "/billing_address_id", "/items", "/items/0/product_id", "/items/0/quantity"],
        read_only: &[
            "id",
            "status",
            "subtotal",
            "total_amount",
            "payment_status",
            "tracking_number",
            "created_at",
            "items/0/unit_price",
            "items/0/total_price",
        ],
        fields: &[
            ("/user_id", WORD),
            ("/customer_email", Email),
            ("/currency", Currency),
            ("/shipping_address_id", WORD),
            ("/notes", Text { least: 0, most: 2000, is_word: false, has_lines: true }),
            ("/items", Items),
            ("/items/0/product_id", WORD),
            ("/items/0/product_sku", WORD),
            ("/items/0/quantity", Quantity),
        ],
    },
    Door {
        method: "PUT",
        path: "/api/orders/{shippable}/status",
        form: Details,
        good: r#"{"status":"PROCESSING","notes":"canary7f3e"}"#,
        status: 200,
        needs: Needs::Body,
        required: &["/status"],
        read_only: &[],
        fields: &[("/status", Choice), ("/notes", Text { least: 1, most: 500, is_word: false, has_lines: true })],
    },
    Door {
        method: "PUT",
        path: "/api/orders/{shippable}/status",
        form: Details,
        good: r#"{"status":"SHIPPED","tracking_number":"t","carrier_code":"c"}"#,
        status: 200,
        needs: Needs::Body,
        required: &[],
        read_only: &[],
        fields: &[("/tracking_number", WORD), ("/carrier_code", WORD)],
    },
    Door {
        method: "POST",
        path: "/api/orders/{cancelable}/cancel",
        form: Details,
        good: r#"{"reason":"canary7f3e"}"#,
        status: 200,
        needs: Needs::Nothing,
        required: &[],
        read_only: &[],
        fields: &[("/reason", Text { least: 1, most: 500, is_word: false, has_lines: true })],
    },
    Door {
        method: "POST",
        path: "/api/v1/payments",
        form: Details,
        good: r#"{"order_id":"{payable}","amount":"10.00","currency":"USD","payment_method":"mock"}"#,
        status: 201,
        needs: Needs::KeyAnywhere,
        required: &["/order_id", "/amount"],
        read_only: &["status", "payment_id", "provider", "captured_amount", "refunded_amount", "created_at"],
        fields: &[("/order_id", Uuid), ("/amount", Money), ("/currency", Currency), ("/payment_method", WORD)],
    },
    Door {
        method: "POST",
        path: "/api/v1/payments/{payment}/mock/complete",
        form: Details,
        good: r#"{"result":"SUCCESS"}"#,
        status: 200,
        needs: Needs::Unkeyed,
        required: &["/result"],
        read_only: &[],
        fields: &[("/result", Choice)],
    },
    Door {
        method: "POST",
        path: "/api/v1/payments/{cash}/collect",
        form: Details,
        good: "{}",
        status: 200,
        needs: Needs::Nothing,
        required: &[],
        read_only: &[],
        fields: &[],
    },
    Door {
        method: "POST",
        path: "/internal/orders/{eventful}/events",
        form: Details,
        good: r#"{"event_type":"payment.confirmed","event_id":"event-1","payload":{"amount":"10.00","currency":"USD","payment_id":"canary7f3e","order_id":"{eventful}"}}"#,
        status: 200,
        needs: Needs::Unkeyed,
        required: &["/event_type", "/event_id", "/payload", "/payload/amount"],
        read_only: &[],
        fields: &[
            ("/event_type", Choice),
            ("/event_id", WORD),
            ("/payload", Object),
            ("/payload/amount", Money),
            ("/payload/currency", Currency),
            ("/payload/payment_id", WORD),
            ("/payload/order_id", Uuid),
        ],
    },
    Door {
        method: "POST",
        path: "/api/v1/orders/{order}/cancel",
        form: Details,
        good: r#"{"reason":"canary7f3e"}"#,
        status: 200,
        needs: Needs::Nothing,
        required: &[],
        read_only: &[],
        fields: &[("/reason", Text { least: 1, most: 500, is_word: false, has_lines: true })],
    },
];

/// A door that only tells.
pub(super) struct Reader {
    pub(super) path: &'static str,
    pub(super) form: Form,
    pub(super) parameters: &'static [(&'static str, Kind)],
    /// Has `limit` and `cursor`.
    pub(super) is_list: bool,
}

pub(super) const READERS: &[Reader] = &[
    Reader { path: "/api/v1/skus", form: Details, parameters: &[("product_id", WORD)], is_list: true },
    Reader { path: "/api/v1/skus/TEA", form: Details, parameters: &[], is_list: false },
    Reader { path: "/api/v1/skus/TEA/offers", form: Details, parameters: &[], is_list: true },
    Reader { path: "/api/v1/skus/TEA/current-offer", form: Details, parameters: &[], is_list: false },
    Reader { path: "/api/v1/inventory/TEA", form: Details, parameters: &[], is_list: false },
    Reader {
        path: "/api/v1/orders",
        form: Details,
        parameters: &[
            ("user_id", WORD),
            ("userId", WORD),
            ("status", Choice),
            ("from", Time),
            ("to", Time),
            ("number", Choice),
            ("email", Email),
        ],
        is_list: true,
    },
    Reader { path: "/api/v1/orders/{order}", form: Details, parameters: &[], is_list: false },
    Reader { path: "/api/v1/orders/{order}/events", form: Details, parameters: &[], is_list: true },
    Reader { path: "/api/v1/payments/{payment}", form: Details, parameters: &[], is_list: false },
    Reader { path: "/api/v1/ops-tasks", form: Details, parameters: &[], is_list: true },
    Reader {
        path: "/api/orders",
        form: Details,
        parameters: &[("user_id", WORD), ("status", Choice), ("from", Time), ("to", Time)],
        is_list: true,
    },
    Reader { path: "/api/orders/{order}", form: Details, parameters: &[], is_list: false },
    Reader { path: "/api/orders/{order}/tracking", form: Details, parameters: &[], is_list: false },
    Reader { path: "/orders/{ticket}", form: Tickets, parameters: &[], is_list: false },
];
