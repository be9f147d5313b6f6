//! No caller waits for longer than others take turns, and no place is lost.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const READER: Lane = Lane::Reader;

fn request(client: &str, account: &str, lane: Lane) -> TurnRequest {
    let client = Some(client.parse().unwrap());
    TurnRequest { client, account: LimitKey::login(account), lane }
}

/// A queue of texts, in which `waiting` came in this order, each of an account of its own.
fn queue(places: usize, waiting: &[(&str, Lane)]) -> HashQueue<String> {
    let mut queue = HashQueue::new(places);
    for (i, (client, lane)) in waiting.iter().enumerate() {
        let name = format!("{client} {i}");
        queue.push(request(client, &name, *lane), name).unwrap();
    }
    queue
}

/// The networks in the order in which they are served.
fn served(queue: &mut HashQueue<String>) -> Vec<String> {
    let network = |name: String| name.split(' ').next().unwrap().to_owned();
    std::iter::from_fn(|| queue.pop()).map(network).collect()
}

#[test]
fn networks_take_turns_and_so_do_blocks() {
    let flood = [("203.0.113.7", READER); 4];
    for (others, order) in [
        // A flood of one address.
        (vec!["198.51.100.1"], vec!["203.0.113.7", "198.51.100.1", "203.0.113.7"]),
        // Its neighbour, before whom others have their turns as well.
        (
            vec!["203.0.113.8", "198.51.100.1"],
            vec!["203.0.113.7", "198.51.100.1", "203.0.113.8", "203.0.113.7"],
        ),
        // A provider's block of IPv6 has no more turns than one address.
        (
            vec!["2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:300::1", "198.51.100.1"],
            vec![
                "203.0.113.7",
                "2001:db8:1:1::1",
                "198.51.100.1",
                "203.0.113.7",
                "2001:db8:1:300::1",
                "203.0.113.7",
                "2001:db8:1:2::1",
                "203.0.113.7",
            ],
        ),
    ] {
        let others = others.into_iter().map(|client| (client, READER));
        let waiting: Vec<_> = flood.into_iter().chain(others).collect();
        let served = served(&mut queue(100, &waiting));
        assert_eq!(served[..order.len()], order);
        assert_eq!(served.len(), waiting.len());
    }
}

#[test]
fn each_lane_has_its_part_of_the_turns_and_leaves_them_where_none_waits() {
    let of = |lane: Lane, client| vec![(client, lane); 40];
    let [staff, readers, low] =
        [(Lane::Staff, "198.51.100.1"), (READER, "203.0.113.7"), (Lane::Low, "192.0.2.1")]
            .map(|(lane, client)| of(lane, client));
    let mut all = queue(400, &[staff, readers.clone(), low.clone()].concat());
    let first: Vec<String> = (0..8).map(|_| all.pop().unwrap()).collect();
    let from = |network: &str| first.iter().filter(|name| name.starts_with(network)).count();
    assert_eq!((from("198.51.100.1"), from("203.0.113.7"), from("192.0.2.1")), (3, 4, 1));
    let mut two = queue(400, &[readers, low.clone()].concat());
    assert_eq!(served(&mut two)[..5].iter().filter(|name| *name == "192.0.2.1").count(), 1);
    assert_eq!(served(&mut queue(400, &low)).len(), 40);
}

#[test]
fn staff_find_a_place_and_a_turn_whatever_readers_do() {
    let mut full = queue(40, &[("203.0.113.7", READER); 40]);
    let admin = request("203.0.113.7", "admin", Lane::Staff);
    let (_, dropped) = full.push(admin, "admin".to_owned()).unwrap();
    assert_eq!(dropped, None, "staff have places of their own");
    let turns: Vec<String> = (0..3).map(|_| full.pop().unwrap()).collect();
    assert!(turns.contains(&"admin".to_owned()), "{turns:?}");
}

#[test]
fn one_account_takes_few_turns_wherever_it_comes_from() {
    let mut queue = HashQueue::new(100);
    for i in 0..30 {
        let client = format!("198.51.{i}.1");
        queue.push(request(&client, "anna", READER), format!("anna {i}")).unwrap();
    }
    queue.push(request("203.0.113.7", "bert", READER), "bert".to_owned()).unwrap();
    let first: Vec<String> = (0..3).map(|_| queue.pop().unwrap()).collect();
    assert_eq!(first, ["anna 0", "anna 1", "bert"]);
    assert_eq!(served(&mut queue).len(), 28, "the others are served as well");
    assert!(queue.of_account.is_empty());
}

#[test]
fn whoever_has_the_most_places_gives_one_up() {
    let newcomer = |queue: &mut HashQueue<String>, client, lane| {
        let pushed = queue.push(request(client, "newcomer", lane), "newcomer".to_owned());
        pushed.map(|(_, dropped)| dropped.unwrap_or_default())
    };
    let (a, b, c) = ("203.0.113.7", "198.51.100.1", "192.0.2.1");
    for (waiting, client, lane, expected) in [
        (vec![(a, READER); 4], b, READER, Ok("203.0.113.7 3")),
        (vec![(a, READER); 4], a, READER, Err(Full)),
        (vec![(a, READER); 4], "203.0.113.8", READER, Ok("203.0.113.7 3")),
        // All have the same: no caller is sent away for another that has as much.
        (vec![(a, READER), (b, READER)], c, READER, Err(Full)),
        (vec![(a, READER), (b, READER), (a, READER), (b, READER)], a, READER, Err(Full)),
        // A newcomer from a small block within a large one.
        (vec![("2001:db8:1:1::1", READER); 4], "2001:db8:1:2::1", READER, Ok("2001:db8:1:1::1 3")),
        // The low lane gives way.
        (vec![(a, READER), (b, Lane::Low)], a, READER, Ok("198.51.100.1 1")),
        (vec![(a, READER); 4], b, Lane::Low, Err(Full)),
        (vec![(a, Lane::Low); 4], b, Lane::Low, Ok("203.0.113.7 3")),
        (vec![(a, Lane::Staff), (a, Lane::Staff)], b, Lane::Staff, Ok("203.0.113.7 1")),
    ] {
        let mut queue = queue(waiting.len(), &waiting);
        let said = newcomer(&mut queue, client, lane);
        assert_eq!(said, expected.map(str::to_owned), "{waiting:?}, then {client}");
        assert_eq!(queue.len(), waiting.len());
    }
}

#[test]
fn of_many_places_some_are_for_the_low_lane() {
    let mut full = queue(16, &[("203.0.113.7", READER); 16]);
    for i in 0..2 {
        let name = format!("low {i}");
        let pushed = full.push(request("198.51.100.1", &name, Lane::Low), name).unwrap();
        assert_eq!(pushed.1, Some(format!("203.0.113.7 {}", 15 - i)));
    }
    assert!(full.push(request("198.51.100.1", "x", Lane::Low), String::new()).is_err());
    assert!(full.push(request("203.0.113.7", "y", READER), String::new()).is_err());
}

/// One step of an attack.
#[derive(Debug, Clone)]
enum Step {
    Push { client: IpAddr, account: u8, lane: Lane },
    Pop,
    Cancel(usize),
}

fn a_client() -> impl Strategy<Value = IpAddr> {
    // Few enough that they meet: four /48 of sixteen /64 each, and two /24 of four addresses.
    let v6 = (0_u16..4, 0_u16..4, 0_u16..4).prop_map(|(wide, middle, own)| {
        let segments = [0x2001, 0xdb8, wide, middle << 8 | own, 0, 0, 0, 1];
        IpAddr::from(std::net::Ipv6Addr::from(segments))
    });
    let v4 = (0_u8..2, 0_u8..4).prop_map(|(net, host)| IpAddr::from([198, 51, net, host]));
    prop_oneof![v6, v4]
}

fn a_step() -> impl Strategy<Value = Step> {
    let lane = prop_oneof![Just(Lane::Staff), Just(READER), Just(Lane::Low)];
    let push = (a_client(), 0_u8..40, lane);
    prop_oneof![
        6 => push.prop_map(|(client, account, lane)| Step::Push { client, account, lane }),
        3 => Just(Step::Pop),
        1 => (0_usize..100).prop_map(Step::Cancel),
    ]
}

proptest! {
    /// Each request that is taken in leaves exactly once: served, dropped or canceled; and there
    /// are never more than places.
    #[test]
    fn no_place_is_lost(steps in proptest::collection::vec(a_step(), 1..400)) {
        let mut queue = HashQueue::new(24);
        let (mut tickets, mut inside, mut next) = (HashMap::new(), HashSet::new(), 0_usize);
        for step in steps {
            match step {
                Step::Push { client, account, lane } => {
                    let account = LimitKey::login(&account.to_string());
                    let request = TurnRequest { client: Some(client), account, lane };
                    if let Ok((ticket, dropped)) = queue.push(request, next) {
                        prop_assert!(dropped.is_none_or(|dropped| inside.remove(&dropped)));
                        tickets.insert(next, ticket);
                        inside.insert(next);
                    }
                    next += 1;
                }
                Step::Pop => match queue.pop() {
                    Some(served) => prop_assert!(inside.remove(&served)),
                    None => prop_assert!(inside.is_empty()),
                },
                Step::Cancel(i) => if let Some(ticket) = tickets.get(&i) {
                    prop_assert_eq!(queue.cancel(*ticket).is_some(), inside.remove(&i));
                },
            }
            prop_assert_eq!(queue.len(), inside.len());
            prop_assert!(queue.readers.waiting + queue.low.waiting <= 24);
            prop_assert!(queue.staff.waiting <= 3);
        }
        while let Some(served) = queue.pop() {
            prop_assert!(inside.remove(&served));
        }
        prop_assert!(inside.is_empty() && queue.of_account.is_empty());
    }

    /// Whatever others do, a request whose network has no other waits for one turn of each block
    /// that waits: here six, and as many again for the other lanes. It is never dropped.
    #[test]
    fn nobody_starves(
        before in proptest::collection::vec(a_step(), 0..200),
        meanwhile in proptest::collection::vec(proptest::collection::vec(a_step(), 0..8), 20),
    ) {
        let mut queue = HashQueue::new(24);
        let push = |queue: &mut HashQueue<bool>, step: Step| {
            let Step::Push { client, account, lane } = step else { return None };
            let account = LimitKey::login(&account.to_string());
            queue.push(TurnRequest { client: Some(client), account, lane }, false).ok()?.1
        };
        for step in before {
            push(&mut queue, step);
        }
        // There are six wide blocks and 24 places, so that one of them has two or more.
        let victim = request("203.0.113.7", "victim", READER);
        prop_assert!(queue.push(victim, true).is_ok());
        let mut waited = 0;
        for steps in meanwhile {
            for step in steps {
                prop_assert_ne!(push(&mut queue, step), Some(true), "dropped");
            }
            if queue.pop() == Some(true) {
                break;
            }
            waited += 1;
        }
        prop_assert!(waited <= 14, "{}", waited);
    }
}
