//! Lists and counts: order, pages, prefixes, bounds, cursors.

use common::Code;
use store::{IndexKey, IndexQuery, Order, Write};

use super::{Subject, sample::*};

pub(super) async fn an_index_is_listed_by_key_and_then_by_id_both_ways(subject: Subject) {
    for (id, key) in [("d", "2"), ("a", "10"), ("c", "1"), ("b", "1"), ("é", "2"), ("e", "1 ")] {
        subject.saved(indexed(id, key)).await;
    }
    subject.saved(insert("without a key")).await;
    let mut expected = vec!["b", "c", "e", "a", "d", "é"];
    assert_eq!(subject.listed(all()).await, expected);
    expected.reverse();
    assert_eq!(subject.listed(IndexQuery { order: Order::Descending, ..all() }).await, expected);
    let by_id = IndexQuery { index: None, ..all() };
    assert_eq!(subject.listed(by_id).await, ["a", "b", "c", "d", "e", "without a key", "é"]);
}

pub(super) async fn pages_join_to_the_whole_list_and_the_last_has_no_cursor(subject: Subject) {
    for number in 0..12 {
        subject.saved(indexed(&format!("id{number:02}"), &format!("k{}", number % 5))).await;
    }
    for (index, order) in [Some(BY_KEY), None]
        .into_iter()
        .flat_map(|index| [Order::Ascending, Order::Descending].map(|order| (index, order)))
    {
        let whole =
            IndexQuery { index, order, prefix: if index.is_some() { "k" } else { "id" }.into(), ..all() };
        let expected = subject.listed(whole.clone()).await;
        assert_eq!(expected.len(), 12);
        for limit in [1, 4, 5, 12] {
            let mut joined = Vec::new();
            let mut query = IndexQuery { limit, ..whole.clone() };
            for _ in 0..12_usize.div_ceil(limit) {
                let page = subject.page(query.clone()).await;
                joined.extend(ids(&page));
                query.cursor = page.next_cursor;
            }
            assert_eq!(query.cursor, None, "limit {limit}");
            assert_eq!(joined, expected, "limit {limit}");
        }
    }
}

pub(super) async fn what_is_inserted_between_pages_neither_repeats_nor_hides_an_entry(subject: Subject) {
    for key in ["b", "d", "f", "h"] {
        subject.saved(indexed(key, key)).await;
    }
    for (order, first, then) in
        [(Order::Ascending, ["b", "d"], ["e", "f", "h"]), (Order::Descending, ["h", "f"], ["e", "d", "b"])]
    {
        let page = subject.page(IndexQuery { order, limit: 2, ..all() }).await;
        assert_eq!(ids(&page), first);
        // One on each side of the place where the page ended, and the entry at that place itself goes.
        let at = first[1];
        for key in ["c", "e", "g"] {
            subject.saved(indexed(key, key)).await;
        }
        subject.saved(Write { body: None, ..update(at, 1) }).await;
        let next = subject.listed(IndexQuery { order, cursor: page.next_cursor, ..all() }).await;
        let known: Vec<_> = next.iter().filter(|id| then.contains(&id.as_str())).collect();
        assert_eq!(known, then.iter().collect::<Vec<_>>(), "{order:?}");
        assert!(!next.iter().any(|id| first.contains(&id.as_str())), "{order:?}");
        subject.saved(indexed(at, at)).await;
        for key in ["c", "e", "g"] {
            subject.saved(Write { body: None, ..update(key, 1) }).await;
        }
    }
}

pub(super) async fn a_range_keeps_to_its_prefix_and_below_its_bound(subject: Subject) {
    for key in ["due:1", "due:2", "due:3", "duf", "due", "late:1"] {
        subject.saved(indexed(&format!("id {key}"), key)).await;
    }
    let query = |prefix: &str, below: Option<&str>| IndexQuery {
        prefix: prefix.to_owned(),
        below: below.map(str::to_owned),
        ..all()
    };
    for (prefix, below, expected) in [
        ("due:", None, vec!["id due:1", "id due:2", "id due:3"]),
        ("due:", Some("due:3"), vec!["id due:1", "id due:2"]),
        ("due:", Some("due:1"), vec![]),
        ("due:", Some("a"), vec![]),
        ("due:", Some("zzz"), vec!["id due:1", "id due:2", "id due:3"]),
        ("", Some("due:2"), vec!["id due", "id due:1"]),
        ("nothing", None, vec![]),
    ] {
        assert_eq!(subject.listed(query(prefix, below)).await, expected, "{prefix} {below:?}");
        let backwards = IndexQuery { order: Order::Descending, ..query(prefix, below) };
        let expected: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(subject.listed(backwards).await, expected, "{prefix} {below:?}");
    }
    let first = subject.page(IndexQuery { limit: 1, ..query("due:", Some("due:3")) }).await;
    let rest = IndexQuery { cursor: first.next_cursor, ..query("due:", Some("due:1")) };
    assert!(subject.listed(rest).await.is_empty(), "a bound that moved behind the cursor");
}

pub(super) async fn a_document_is_listed_under_its_present_keys_only(subject: Subject) {
    let keys =
        |keys: &[(&'static str, &str)]| keys.iter().map(|(i, k)| IndexKey::new(i, *k)).collect::<Vec<_>>();
    let first = keys(&[(BY_KEY, "open"), ("other", "x")]);
    subject.saved(Write { index_keys: first, ..insert("a") }).await;
    let second = keys(&[("other", "x"), (BY_KEY, "closed")]);
    subject.saved(Write { index_keys: second, ..update("a", 1) }).await;
    let count = |index, prefix| subject.store.count(THINGS, Some(index), prefix);
    assert_eq!(count(BY_KEY, "open").await.unwrap(), 0);
    assert_eq!(count(BY_KEY, "closed").await.unwrap(), 1);
    assert_eq!(count("other", "x").await.unwrap(), 1);
    subject.saved(Write { index_keys: keys(&[("other", "y")]), ..update("a", 2) }).await;
    assert_eq!(count(BY_KEY, "").await.unwrap(), 0);
    let page = subject.page(IndexQuery { index: Some("other"), ..all() }).await;
    assert_eq!((page.entries[0].id.as_str(), page.entries[0].version), ("a", 3));
}

pub(super) async fn a_foreign_cursor_is_refused(subject: Subject) {
    for id in ["a1", "a2", "b1"] {
        subject.saved(indexed(id, id)).await;
    }
    let query = IndexQuery { prefix: "a".to_owned(), limit: 1, ..all() };
    let cursor = subject.page(query.clone()).await.next_cursor;
    assert_eq!(subject.listed(IndexQuery { cursor: cursor.clone(), ..query.clone() }).await, ["a2"]);
    let ours = || IndexQuery { cursor: cursor.clone(), ..query.clone() };
    let foreign = [
        IndexQuery { order: Order::Descending, ..ours() },
        IndexQuery { index: None, ..ours() },
        IndexQuery { index: Some("other"), ..ours() },
        IndexQuery { prefix: "b".to_owned(), ..ours() },
        IndexQuery { cursor: Some(String::new()), ..ours() },
        IndexQuery { cursor: Some("nonsense".to_owned()), ..ours() },
        IndexQuery { cursor: cursor.as_ref().map(|text| format!("9{text}")), ..ours() },
        IndexQuery { cursor: cursor.as_ref().map(|text| format!("{text}é")), ..ours() },
    ];
    for query in foreign {
        let fault = subject.store.list(THINGS, query.clone()).await.unwrap_err();
        assert_eq!(fault.code(), Code::InvalidParameter, "{query:?}");
    }
    let fault = subject.store.list(OTHERS, ours()).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidParameter);
}

pub(super) async fn counts_follow_the_index(subject: Subject) {
    for (id, key) in [("a", "paid"), ("b", "paid"), ("c", "paid:late"), ("d", "open")] {
        subject.saved(indexed(id, key)).await;
    }
    subject.saved(Write { body: None, ..update("b", 1) }).await;
    let store = &subject.store;
    for (index, prefix, expected) in [
        (Some(BY_KEY), "paid", 2),
        (Some(BY_KEY), "", 3),
        (Some(BY_KEY), "x", 0),
        (None, "", 3),
        (None, "a", 1),
    ] {
        assert_eq!(store.count(THINGS, index, prefix).await.unwrap(), expected, "{index:?} {prefix}");
    }
}
