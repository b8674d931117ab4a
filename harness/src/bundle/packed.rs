//! Compressed files of a bundle: gzip without a name or time. Must not know what is in them.

use std::io::{self, Read, Write};

use flate2::{Compression, GzBuilder, bufread::GzDecoder, write::GzEncoder};

/// Compresses what is written to it.
pub(super) fn packer() -> GzEncoder<Vec<u8>> {
    GzBuilder::new().write(Vec::new(), Compression::default())
}

/// Compresses octets.
pub(super) fn pack(octets: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = packer();
    packer.write_all(octets)?;
    packer.finish()
}

/// Reads what is in a compressed file, and no more than was said to be in it.
#[derive(Debug)]
pub(super) struct Unpacker<'a> {
    from: GzDecoder<&'a [u8]>,
    left: u64,
}

impl<'a> Unpacker<'a> {
    /// Reads `size` octets out of a file.
    pub(super) fn new(octets: &'a [u8], size: u64) -> Self {
        Self {
            from: GzDecoder::new(octets),
            left: size,
        }
    }

    /// All of it.
    pub(super) fn all(mut self) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        self.read_to_end(&mut octets)?;
        self.end()?;
        Ok(octets)
    }

    /// Whether there was as much in it as was said, and nothing behind it.
    pub(super) fn end(mut self) -> io::Result<()> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        if self.left > 0 {
            return Err(wrong("there is less in it than the manifest says"));
        }
        if self.from.read(&mut [0])? > 0 {
            return Err(wrong("there is more in it than the manifest says"));
        }
        if !self.from.into_inner().is_empty() {
            return Err(wrong("something stands behind its end"));
        }
        Ok(())
    }
}

impl Read for Unpacker<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = buffer.len().min(most);
        if most == 0 {
            return Ok(0);
        }
        let n = self.from.read(&mut buffer[..most])?;
        self.left -= n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test]
    fn the_same_octets_are_packed_the_same() {
        let octets = b"text".repeat(1000);
        let packed = pack(&octets).unwrap();
        assert_eq!(packed, pack(&octets).unwrap());
        assert!(packed.len() < 100);
        assert_eq!(Unpacker::new(&packed, 4000).all().unwrap(), octets);
    }

    #[test_case(b"", 3_999, "more"; "more than was said")]
    #[test_case(b"", 4_001, "less"; "less than was said")]
    #[test_case(b"x", 4_000, "behind"; "something behind it")]
    fn sizes(behind: &[u8], size: u64, word: &str) {
        let packed = pack(&b"text".repeat(1000)).unwrap();
        let packed = [&packed, behind].concat();
        let error = Unpacker::new(&packed, size).all().unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
