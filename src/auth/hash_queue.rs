//! The order in which passwords are hashed. Pure; `hashing` does the waiting.
//!
//! Requests wait in lanes, and in each lane in the nested blocks of addresses that they came from:
//! the blocks of one size take turns, and within each the smaller ones do. However much one network
//! sends, another waits for one turn of each network at most, and a provider's whole block has no
//! more turns than a single address elsewhere. There is room for a fixed number. Once it is full, a
//! newcomer takes the place of the newest request of the network that holds the most, so that
//! only those who send more than a fair share are refused.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
};

use ipnet::IpNet;

use super::{blocks::Blocks, limit_store::LimitKey};

/// How many requests for one account wait in its own lane. More of them wait in [`Lane::Low`].
const ACCOUNT_MAX: usize = 2;

/// Staff's places, and those of the low lane, as a part of all.
const RESERVED_PART: usize = 8;

/// Staff's places where there are few in all.
const STAFF_PLACES_MIN: usize = 2;

/// With whom a request takes turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Staff, who have places and turns of their own.
    Staff,
    /// Readers.
    Reader,
    /// Networks that failed often, and what is too much of one account.
    Low,
}

impl Lane {
    /// While all lanes wait, staff have three of eight turns, readers four, and the low lane one. A
    /// lane where none waits leaves its turns to the others.
    fn of_turn(turn: usize) -> Self {
        match turn % 8 {
            0 | 2 | 5 => Self::Staff,
            7 => Self::Low,
            _ => Self::Reader,
        }
    }
}

/// Who asks for a turn.
#[derive(Debug, Clone, Copy)]
pub struct TurnRequest {
    /// From which network.
    pub client: Option<IpAddr>,
    /// For which account, whether it exists or not.
    pub account: LimitKey,
    /// In which lane.
    pub lane: Lane,
}

impl TurnRequest {
    /// Of a program that hashes only for itself.
    #[must_use]
    pub fn alone(account: LimitKey) -> Self {
        Self { client: None, account, lane: Lane::Staff }
    }
}

/// All places are taken, and no other network holds more of them than the newcomer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Finds a request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    lane: Lane,
    blocks: Blocks,
    id: u64,
}

/// Requests that wait, each with a `T`.
#[derive(Debug)]
pub struct HashQueue<T> {
    staff: Branch<T>,
    readers: Branch<T>,
    low: Branch<T>,
    of_account: HashMap<LimitKey, usize>,
    places: usize,
    turn: usize,
    last_id: u64,
}

impl<T> HashQueue<T> {
    /// A queue with so many places, and some more for staff.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            staff: Branch::default(),
            readers: Branch::default(),
            low: Branch::default(),
            of_account: HashMap::new(),
            places,
            turn: 0,
            last_id: 0,
        }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.staff.waiting + self.readers.waiting + self.low.waiting
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a request in. Gives the one whose place it took, if any.
    ///
    /// # Errors
    /// [`Full`].
    pub fn push(&mut self, request: TurnRequest, payload: T) -> Result<(Ticket, Option<T>), Full> {
        let TurnRequest { client, account, lane } = request;
        let of_account = self.of_account.get(&account).copied().unwrap_or_default();
        let lane = if of_account < ACCOUNT_MAX { lane } else { Lane::Low };
        let blocks = Blocks::of(client);
        let dropped = self.make_room(lane, blocks.path())?;
        let dropped = dropped.map(|dropped| self.take_leave(dropped));
        self.last_id += 1;
        let id = self.last_id;
        *self.of_account.entry(account).or_default() += 1;
        self.lane(lane).push(blocks.path(), Waiting { id, account, payload });
        Ok((Ticket { lane, blocks, id }, dropped))
    }

    /// Who is next.
    pub fn pop(&mut self) -> Option<T> {
        for _ in 0..8 {
            let lane = Lane::of_turn(self.turn);
            self.turn = self.turn.wrapping_add(1);
            if let Some(next) = self.lane(lane).pop() {
                return Some(self.take_leave(next));
            }
        }
        None
    }

    /// Takes a request out that waits no more. Does nothing where it has left already.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        let Ticket { lane, blocks, id } = ticket;
        let canceled = self.lane(lane).remove(blocks.path(), id)?;
        Some(self.take_leave(canceled))
    }

    fn lane(&mut self, lane: Lane) -> &mut Branch<T> {
        match lane {
            Lane::Staff => &mut self.staff,
            Lane::Reader => &mut self.readers,
            Lane::Low => &mut self.low,
        }
    }

    /// Drops a request where all places are taken.
    fn make_room(&mut self, lane: Lane, path: &[IpNet]) -> Result<Option<Waiting<T>>, Full> {
        let low_places = self.places / RESERVED_PART;
        let is_full = self.readers.waiting + self.low.waiting >= self.places;
        let dropped = match lane {
            Lane::Staff if self.staff.waiting < low_places.max(STAFF_PLACES_MIN) => {
                return Ok(None);
            }
            Lane::Staff => self.staff.make_room(path),
            Lane::Reader | Lane::Low if !is_full => return Ok(None),
            Lane::Reader if self.low.waiting > low_places => self.low.drop_one(),
            Lane::Reader => self.readers.make_room(path),
            Lane::Low if self.low.waiting < low_places => self.readers.make_room(path),
            Lane::Low => self.low.make_room(path),
        };
        dropped.map(Some).ok_or(Full)
    }

    fn take_leave(&mut self, Waiting { account, payload, .. }: Waiting<T>) -> T {
        if let Some(waiting) = self.of_account.get_mut(&account) {
            *waiting -= 1;
            if *waiting == 0 {
                self.of_account.remove(&account);
            }
        }
        payload
    }
}

#[derive(Debug)]
struct Waiting<T> {
    id: u64,
    account: LimitKey,
    payload: T,
}

/// A block of addresses: smaller blocks that take turns, or, the smallest, its requests in order.
#[derive(Debug)]
struct Branch<T> {
    waiting: usize,
    /// The first is next. None of them is empty.
    blocks: VecDeque<(IpNet, Self)>,
    requests: VecDeque<Waiting<T>>,
}

impl<T> Default for Branch<T> {
    fn default() -> Self {
        Self { waiting: 0, blocks: VecDeque::new(), requests: VecDeque::new() }
    }
}

impl<T> Branch<T> {
    fn push(&mut self, path: &[IpNet], request: Waiting<T>) {
        self.waiting += 1;
        let Some((block, rest)) = path.split_first() else {
            return self.requests.push_back(request);
        };
        match self.blocks.iter_mut().find(|(at, _)| at == block) {
            Some((_, branch)) => branch.push(rest, request),
            None => {
                let mut branch = Self::default();
                branch.push(rest, request);
                self.blocks.push_back((*block, branch));
            }
        }
    }

    fn pop(&mut self) -> Option<Waiting<T>> {
        let next = match self.blocks.pop_front() {
            None => self.requests.pop_front()?,
            Some((block, mut branch)) => {
                let next = branch.pop()?;
                if branch.waiting > 0 {
                    self.blocks.push_back((block, branch));
                }
                next
            }
        };
        self.waiting -= 1;
        Some(next)
    }

    fn remove(&mut self, path: &[IpNet], id: u64) -> Option<Waiting<T>> {
        let Some((block, rest)) = path.split_first() else {
            let at = self.requests.iter().position(|request| request.id == id)?;
            self.waiting -= 1;
            return self.requests.remove(at);
        };
        let at = self.blocks.iter().position(|(at, _)| at == block)?;
        self.within(at, |branch| branch.remove(rest, id))
    }

    /// Takes a request out of the `at`th block.
    fn within(
        &mut self,
        at: usize,
        take: impl FnOnce(&mut Self) -> Option<Waiting<T>>,
    ) -> Option<Waiting<T>> {
        let (_, branch) = self.blocks.get_mut(at)?;
        let taken = take(branch)?;
        if branch.waiting == 0 {
            self.blocks.remove(at);
        }
        self.waiting -= 1;
        Some(taken)
    }

    /// The block with the most requests, and how many those are.
    fn fullest(&self) -> Option<(usize, usize)> {
        let sizes = self.blocks.iter().map(|(_, branch)| branch.waiting).enumerate();
        sizes.max_by_key(|(_, size)| *size)
    }

    /// Drops the newest request of the network that has the most.
    fn drop_one(&mut self) -> Option<Waiting<T>> {
        match self.fullest() {
            Some((at, _)) => self.within(at, Self::drop_one),
            None => {
                let newest = self.requests.pop_back()?;
                self.waiting -= 1;
                Some(newest)
            }
        }
    }

    /// Drops one for a newcomer from `path`, where that makes the shares more equal.
    fn make_room(&mut self, path: &[IpNet]) -> Option<Waiting<T>> {
        let (block, rest) = path.split_first()?;
        let (at, most) = self.fullest()?;
        let own = self.blocks.iter().position(|(at, _)| at == block);
        let held = own.and_then(|own| self.blocks.get(own)).map_or(0, |(_, own)| own.waiting);
        if most >= held + 2 {
            return self.within(at, Self::drop_one);
        }
        self.within(own?, |branch| branch.make_room(rest))
    }
}

#[cfg(test)]
#[path = "hash_queue_tests.rs"]
mod tests;
