//! Which master of a Redis cluster has which slot.

use redis::{FromRedisValue, Value, from_redis_value};

use crate::address::Host;
use crate::subject::Subject;

/// The slot of a subject: the CRC16 that Redis takes, of the whole name. No subject has braces.
pub(super) fn slot(subject: &Subject) -> u16 {
    crc16(subject.as_str().as_bytes()) % SLOTS
}

/// How many slots there are.
pub(super) const SLOTS: u16 = 16_384;

/// Slots from one to another, and the master that has them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) master: Host,
}

/// Reads the answer to `CLUSTER SLOTS`. A master without a name is the one that was asked.
pub(super) fn ranges(answer: Value, asked: &Host) -> Result<Vec<Range>, String> {
    let Value::Array(ranges) = answer else { return Err("tells no slots".into()) };
    ranges.into_iter().map(|range| read(range, asked)).collect()
}

fn read(range: Value, asked: &Host) -> Result<Range, String> {
    let Value::Array(parts) = range else { return Err("tells no range of slots".into()) };
    let mut parts = parts.into_iter();
    let first = part(parts.next())?;
    let last = part(parts.next())?;
    let Some(Value::Array(master)) = parts.next() else { return Err("tells no master".into()) };
    let mut master = master.into_iter();
    let name: Option<String> = part(master.next())?;
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| asked.name.clone());
    let master = Host { name, port: part(master.next())? };
    Ok(Range { first, last, master })
}

fn part<T: FromRedisValue>(value: Option<Value>) -> Result<T, String> {
    from_redis_value(value.unwrap_or(Value::Nil)).map_err(|e| e.to_string())
}

/// CRC-16/XMODEM, as the specification of Redis cluster says.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        let mut crc = (at as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn a_master_without_a_name_is_the_one_that_was_asked() {
        let int = Value::Int;
        let text = |text: &str| Value::BulkString(text.into());
        let range = |name| {
            let master = Value::Array(vec![name, int(7001), text("id")]);
            Value::Array(vec![int(0), int(5460), master])
        };
        let asked = Host { name: "seed".into(), port: 7000 };
        let answer = Value::Array(vec![range(text("a")), range(Value::Nil), range(text(""))]);
        let names = ranges(answer, &asked).unwrap().into_iter().map(|range| {
            assert_eq!((range.first, range.last, range.master.port), (0, 5460, 7001));
            range.master.name
        });
        assert_eq!(names.collect::<Vec<_>>(), ["a", "seed", "seed"]);
        assert!(ranges(Value::Nil, &asked).is_err());
        assert!(ranges(Value::Array(vec![Value::Array(vec![])]), &asked).is_err());
    }
}
