//! Numbers as bytes: small ones take few.

/// Why bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// They end too early.
    #[error("it ends too early")]
    Short,
    /// A number is larger than any that was written.
    #[error("a number is too large")]
    Large,
    /// A mark that means nothing.
    #[error("it has a mark that means nothing ({0})")]
    Mark(u8),
    /// They are not the bytes that were written.
    #[error("its checksum does not match")]
    Checksum,
}

/// Appends a number, seven bits to a byte, lowest first (LEB128).
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what was appended.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Unreadable> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return Err(Unreadable::Large);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable::Large)
    }
}

/// FNV-1a with 32 bits (Fowler, Noll, Vo; RFC 9923): enough to notice bytes that rotted.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_small_ones_take_a_byte() {
        for (number, length) in
            [(0, 1), (1, 1), (127, 1), (128, 2), (1 << 14, 3), (u64::MAX - 1, 10), (u64::MAX, 10)]
        {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            assert_eq!(bytes.len(), length, "{number}");
            let mut reader = Reader(&bytes);
            assert_eq!((reader.number(), reader.is_empty()), (Ok(number), true));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(Reader(&[0x80]).number(), Err(Unreadable::Short));
        assert_eq!(Reader(&[0xFF; 11]).number(), Err(Unreadable::Large));
        assert_eq!(Reader(&[1, 2]).take(3), Err(Unreadable::Short));
    }
}
