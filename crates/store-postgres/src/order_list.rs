//! A page of orders: the WHERE is put together from fixed fragments; values are bound, never written into it.

use domain::Caller;
use domain::ids::{UserId, Uuid};
use domain::order::Status;
use domain::time::Time;
use engine::port::{OrderFilter, Page};
use tokio_postgres::types::ToSql;

use crate::order::COLUMNS;
use crate::types::{Column, Moment};

/// A statement with its values.
pub(crate) struct OrderList<'v> {
    pub(crate) sql: String,
    values: Vec<Column<'v>>,
}

impl<'v> OrderList<'v> {
    /// The orders that `caller` may see, by `filter`, the newest first, or by change.
    pub(crate) fn of(caller: &'v Caller, filter: &'v OrderFilter, page: Page<(Time, Uuid)>) -> Self {
        let mut list = Self { sql: String::new(), values: Vec::new() };
        let mut conditions = String::from("true");
        let only_own = caller.only_own();
        list.and(&mut conditions, "o.user_id = ", only_own);
        list.and(&mut conditions, "o.user_id = ", filter.user_id.as_ref().map(UserId::as_str));
        list.and(&mut conditions, "o.order_number = ", filter.number.map(|number| number.to_string()));
        list.and(&mut conditions, "o.customer_email = ", filter.email.as_deref());
        list.and(&mut conditions, "o.created_at >= ", filter.from.map(Moment));
        list.and(&mut conditions, "o.created_at < ", filter.to.map(Moment));
        list.and(&mut conditions, "o.updated_at >= ", filter.updated_from.map(Moment));
        list.and(&mut conditions, "o.updated_at < ", filter.updated_to.map(Moment));
        let (after, sorted) = if filter.is_by_change() {
            (" and (o.updated_at, o.order_id) > (", "order by o.updated_at, o.order_id limit ")
        } else {
            (" and (o.created_at, o.order_id) < (", "order by o.created_at desc, o.order_id desc limit ")
        };
        if let Some((at, order_id)) = page.after {
            let (at, order_id) = (list.bind(Moment(at)), list.bind(order_id));
            conditions.extend([after, &at, ", ", &order_id, ")"]);
        }
        let limit = list.bind(i64::from(page.limit));
        let tail = format!("{sorted}{limit}");
        let mut words: Vec<&'static str> = filter.statuses.iter().copied().map(Status::as_str).collect();
        words.sort_unstable();
        words.dedup();
        list.sql = match words.as_slice() {
            [] => format!("select {COLUMNS} from orders o where {conditions} {tail}"),
            [word] => {
                let word = list.bind(*word);
                format!("select {COLUMNS} from orders o where {conditions} and o.status = {word} {tail}")
            }
            // Changes are read along the one index of changes, whatever their status.
            _ if filter.is_by_change() => {
                let words = list.bind(words);
                format!("select {COLUMNS} from orders o where {conditions} and o.status = any({words}::text[]) {tail}")
            }
            // One index range a status: a rare one among many orders would else be searched for through all of them. Each with its
            // own value, since how rare it is decides on the plan.
            words => {
                let ranges: Vec<String> = words
                    .iter()
                    .map(|word| format!("(select o.* from orders o where {conditions} and o.status = {} {tail})", list.bind(*word)))
                    .collect();
                format!("select {COLUMNS} from ({}) as o {tail}", ranges.join(" union all "))
            }
        };
        list
    }

    /// The values in the order of their parameters.
    pub(crate) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect()
    }

    /// `fragment` and the value, if there is one.
    fn and(&mut self, conditions: &mut String, fragment: &'static str, value: Option<impl ToSql + Sync + Send + 'v>) {
        if let Some(value) = value {
            let parameter = self.bind(value);
            conditions.extend([" and ", fragment, &parameter]);
        }
    }

    /// Binds a value; gives its parameter.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'v) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_stands_in_the_statement() {
        let caller = Caller { id: "o'; drop table orders --".into(), role: domain::Role::Customer };
        let page = Page { after: Some((Time(3), Uuid::nil())), limit: 4711 };
        for (changed, values) in [(None, 11), (Some(Time(4)), 12)] {
            let filter = OrderFilter {
                user_id: Some("bob".into()),
                statuses: vec![Status::Paid, Status::Shipped],
                from: Some(Time(1)),
                to: Some(Time(2)),
                number: Some(domain::ids::OrderNumber { year: 2026, serial: 1 }),
                email: Some("a@b".into()),
                updated_from: changed,
                updated_to: changed,
            };
            let list = OrderList::of(&caller, &filter, page);
            for value in ["drop", "bob", "PAID", "ORD-", "a@b", "4711"] {
                assert!(!list.sql.contains(value), "{}", list.sql);
            }
            assert_eq!(list.values().len(), values);
            assert!(list.sql.contains(&format!("${values}")), "{}", list.sql);
        }
    }

    #[test]
    fn a_status_that_is_named_twice_is_looked_up_once() {
        let caller = Caller { id: "ada".into(), role: domain::Role::Customer };
        let filter = OrderFilter { statuses: vec![Status::Paid, Status::Shipped, Status::Paid], ..OrderFilter::default() };
        let list = OrderList::of(&caller, &filter, Page { after: None, limit: 1 });
        assert_eq!(list.sql.matches("o.status = ").count(), 2, "{}", list.sql);
    }

    #[test]
    fn a_customer_is_confined_whatever_he_filters_by() {
        let caller = Caller { id: "ada".into(), role: domain::Role::Customer };
        let filter = OrderFilter { user_id: Some("bob".into()), ..OrderFilter::default() };
        let list = OrderList::of(&caller, &filter, Page { after: None, limit: 1 });
        assert!(list.sql.contains("o.user_id = $1 and o.user_id = $2"), "{}", list.sql);
    }
}
