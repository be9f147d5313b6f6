//! Argon2id hashes, stored as PHC strings. Everything here takes its time on the thread that asks;
//! [`hashing`](super::hashing) sees to it that few do so at once.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{
        Error,
        phc::{Output, ParamsString, Salt},
    },
};

use super::hashing::{HashError, HashLimits, Verified};
use crate::ids::Ids;

/// Least memory of a hash, in KiB (OWASP Password Storage, with two passes).
pub const MEMORY_KIB_MIN: u32 = 19_456;
/// Most memory of a hash, in KiB. A stored one that asks for more was not made by us.
pub const MEMORY_KIB_MAX: u32 = 1_048_576;
/// Fewest passes of a hash.
pub const PASSES_MIN: u32 = 2;
/// Most passes of a hash.
pub const PASSES_MAX: u32 = 16;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// Makes hashes with the parameters of now, and verifies those with the parameters of then.
pub(super) struct Argon2id {
    argon2: Argon2<'static>,
    ids: Ids,
    /// What an attempt on an unknown account is compared with.
    dummy: Stored,
    /// The memory that hashes are computed in, used again and again. Left to the allocator it is
    /// lost: glibc before 2.38 finds no freed memory again for blocks of this alignment (its bug
    /// 14581), and 800 hashes of 19 MiB, few of them at once, took 9 GiB.
    memory: Mutex<Vec<Vec<Block>>>,
    computed: AtomicU64,
}

impl fmt::Debug for Argon2id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2id").field("argon2", &self.argon2).finish_non_exhaustive()
    }
}

impl Argon2id {
    pub(super) fn new(limits: HashLimits, ids: Ids) -> Result<Self, HashError> {
        let params = Params::new(limits.memory_kib, limits.passes, LANES, Some(OUTPUT_BYTES));
        let params = params.map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = Stored {
            argon2: argon2.clone(),
            salt: Salt::new(&ids.bytes::<SALT_BYTES>()?).map_err(failed)?,
            // No password is known for it, because nothing was hashed.
            output: Output::new(&ids.bytes::<OUTPUT_BYTES>()?).map_err(failed)?,
            is_current_kind: true,
        };
        let (memory, computed) = (Mutex::default(), AtomicU64::new(0));
        Ok(Self { argon2, ids, dummy, memory, computed })
    }

    pub(super) fn hash(&self, password: &str) -> Result<String, HashError> {
        let salt = Salt::new(&self.ids.bytes::<SALT_BYTES>()?).map_err(failed)?;
        let output = self.compute(&self.argon2, password, &salt, OUTPUT_BYTES)?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(self.argon2.params()).map_err(failed)?,
            salt: Some(salt),
            hash: Some(output),
        };
        Ok(hash.to_string())
    }

    pub(super) fn verify(
        &self,
        attempt: &str,
        stored: Option<&str>,
    ) -> Result<Verified, HashError> {
        let known = stored.map(Stored::read).transpose()?;
        let stored = known.as_ref().unwrap_or(&self.dummy);
        let length = stored.output.len();
        let output = self.compute(&stored.argon2, attempt, &stored.salt, length)?;
        // Outputs compare in constant time.
        let is_right = output == stored.output && known.is_some();
        Ok(match (is_right, self.is_old(stored)) {
            (false, _) => Verified::No,
            (true, false) => Verified::Yes,
            (true, true) => Verified::YesButOld,
        })
    }

    /// How many hashes were computed.
    pub(super) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    fn is_old(&self, stored: &Stored) -> bool {
        let (then, now) = (stored.argon2.params(), self.argon2.params());
        !stored.is_current_kind
            || then.m_cost() < now.m_cost()
            || then.t_cost() < now.t_cost()
            || stored.output.len() < OUTPUT_BYTES
    }

    fn compute(
        &self,
        argon2: &Argon2<'_>,
        password: &str,
        salt: &Salt,
        length: usize,
    ) -> Result<Output, HashError> {
        let kept = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = self.argon2.params().block_count();
        let blocks = argon2.params().block_count().max(usual);
        let free = if blocks == usual { kept().pop() } else { None };
        let mut memory = free.unwrap_or_default();
        let missing = blocks - memory.len();
        memory.try_reserve_exact(missing).map_err(|_| failed(Error::OutOfMemory))?;
        memory.resize(blocks, Block::default());
        self.computed.fetch_add(1, Ordering::Relaxed);
        let mut output = vec![0; length];
        let done = argon2.hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            &mut output,
            &mut memory,
        );
        if blocks == usual {
            kept().push(memory);
        }
        done.map_err(failed)?;
        Output::new(&output).map_err(failed)
    }
}

/// A hash that was stored, and all that it takes to compute it again.
struct Stored {
    argon2: Argon2<'static>,
    salt: Salt,
    output: Output,
    is_current_kind: bool,
}

impl Stored {
    /// Reads a PHC string. The work that it asks for must be within what we ever asked for.
    fn read(text: &str) -> Result<Self, HashError> {
        let hash = PasswordHash::new(text).map_err(|_| HashError::Stored("not a PHC string"))?;
        let kind = || {
            let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
            Some((algorithm, Version::try_from(hash.version?).ok()?))
        };
        let (algorithm, version) = kind().ok_or(HashError::Stored("not of Argon2"))?;
        let params = Params::try_from(&hash).map_err(|_| HashError::Stored("wrong parameters"))?;
        let too_much = params.m_cost() > MEMORY_KIB_MAX
            || params.t_cost() > PASSES_MAX
            || params.p_cost() > LANES;
        if too_much {
            return Err(HashError::Stored("more work than we ever asked for"));
        }
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
            return Err(HashError::Stored("no salt or no hash"));
        };
        let is_current_kind = (algorithm, version) == (Algorithm::Argon2id, Version::V0x13);
        Ok(Self { argon2: Argon2::new(algorithm, version, params), salt, output, is_current_kind })
    }
}

fn failed(error: impl Into<Error>) -> HashError {
    HashError::Failed(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_is_computed_in_the_same_memory() {
        let limits = HashLimits { memory_kib: MEMORY_KIB_MIN, passes: 2, threads: 1, queue_max: 1 };
        let argon2id = Argon2id::new(limits, Ids::system().unwrap()).unwrap();
        let memory = || argon2id.memory.lock().unwrap().iter().map(Vec::as_ptr).collect::<Vec<_>>();
        let stored = argon2id.hash("gate swims under slow bells").unwrap();
        let first = memory();
        assert_eq!(first.len(), 1);
        for stored in [Some(&*stored), None] {
            assert_eq!(argon2id.verify("gate swims", stored).unwrap(), Verified::No);
        }
        // What lies in it from other passwords changes nothing.
        let right = argon2id.verify("gate swims under slow bells", Some(&stored));
        assert_eq!(right.unwrap(), Verified::Yes);
        // One with other needs has memory of its own.
        let larger =
            Argon2id::new(HashLimits { memory_kib: 32_768, ..limits }, Ids::system().unwrap());
        let larger = larger.unwrap().hash("gate swims").unwrap();
        assert_eq!(argon2id.verify("gate swims", Some(&larger)).unwrap(), Verified::Yes);
        assert_eq!(memory(), first);
    }
}
