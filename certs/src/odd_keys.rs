//! Public keys that no key generator here makes, for certificates that a client must turn down
//! before it sees a proof.
//!
//! Must not know certificates. Nobody holds back a secret: the private halves are 1, or were
//! thrown away.

use crate::der;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Public key info with the base point of P-192 (FIPS 186-4 D.1.2.1).
const P192: &str = "MEkwEwYHKoZIzj0CAQYIKoZIzj0DAQEDMgAEGI2oDrAwkPZ8vyDrQ6GIAPT/Cv2C/xASBxkrlf/I2nhjEBHtayTN\
     1XP5d6EeeUgR";

/// Public key info with the base point of secp256k1 (SEC 2 §2.4.1).
const SECP256K1: &str = "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEeb5mfvncu6xVoGKVzocLBwKb/NstzijZWfKBWxb4F5hIOtp3JqPEZV2k\
     +/wOEQio/Re0SKaFVBmcR9CP+xDUuA==";

/// Public key info with a DSA key of 2048 bits.
const DSA: &str = "MIIDQjCCAjUGByqGSM44BAEwggIoAoIBAQCGOVILWzNzHzx+Lp2IjUvbuPBH7CDrRz0Rrm0+5KNdobYyPXWDg5b6\
     d0FvOohYEDnu430iMv54GAMYqozp5RW93Zr0Q3MUi2/jDn2R1dYLcsOAUt78be422VBYs1g4deOfb9ydMd5LRi+d\
     FdTLWkSbp0n0ZCqlWBjYAMbDwKb7ee2yy0TvOCFpGAg+EtInJ2Z4smRRVVyJcXt1TFbltDLW1UDB8CHV8fQOE3Od\
     M1+PL4BH9NHusdvB5EOO+Yv6tVQnYO0PSJs9fgPni6Yh0FSp5rS8ZstngGU//fgh72PIgDUsoDzXQRufHIsoUpWN\
     /EcEFOvK0Pwxa1RZpERkIuNxAh0AwDmubta7BR1cDcuO3YKICtf+u9YYbNynWs9icwKCAQANWijR47nSEhchm0GX\
     qhstLTDzO2h/4eXCH3QvjTs2+uulz3cabDE64TSdXmLuIcH2YIMeEaw1fZ9mjAWrIRThazIYPJ8TR7MlJeNqVIBD\
     XC6vFbJffU0iwd88dNWX0BG971rwIFduOIcOarsmlDNs1cdSV+bpkI7rVPI4xmqOEChGPufTLQ5fmH8yTb7O9icJ\
     ZCI2FCJmoq8+YskqTeN/fYY5AKstdBRfxHhANqXeoC7r9wrMCegDJHhoERIPSPNjrgUYzw5PB1Vfp6rK94aPCDwz\
     JwdviGJF4YN9vPuIQskRBPsXD6H/1CZ0iP5bDFYb7FhbM51WiaW7Dx+kSsWYA4IBBQACggEAVenUzib3NvP2/qws\
     F/4M9Bs7RoJyTBo0Mx7bq5tvf++D8lAew4LXtOt6iqUdOVK/CohrpnGr+CrhbQhkDMMJof/W89uX0H6O9Nu58kJ+\
     gNshwhY12DoIwFLhVWfyFByH3aobmdBiXXbSRsh5MBFpNnejzkGw3e47laAFzkW/WL1+qRAMIeeb1KoHp8Cw4lR8\
     U6V2Uciudb/+acp9j9xczCmErB5TGrTiwjzVBdcTaZxvBLTeL3QP7nP9BbdWM34xwJqbEOieGQ+bntkeKp+zIEYB\
     1cShqx9JYDvqrjzmNj3tKPeI9oppwVQHPZDNYt8NZN29SLzPL/UFtFnBwAtF+w==";

/// The algorithm of an EC key on P-256 whose parameters are spelled out, which RFC 5480 §2.1.1
/// forbids.
const EXPLICIT_P256: &str = "MIIBAwYHKoZIzj0CATCB9wIBATAsBgcqhkjOPQEBAiEA/////wAAAAEAAAAAAAAAAAAAAAD///////////////8w\
     WwQg/////wAAAAEAAAAAAAAAAAAAAAD///////////////wEIFrGNdiqOpPns+u9VXaYhrxlHQawzFOw9jvOPD4n\
     0mBLAxUAxJ02CIbnBJNqZnjhE50mt4GffpAEQQRrF9Hy4SxCR/i85uVjpEDydwN9gS3rM6D0oTlF2JjClk/jQuL+\
     Gn+bjufrSnwPnhYrzjNXazFezsu2QGg3v1H1AiEA/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVECAQE=";

/// The algorithm id-RSASSA-PSS without parameters (RFC 4055 §3.1).
const RSASSA_PSS: &str = "MAsGCSqGSIb3DQEBCg==";

pub(crate) fn p192() -> Vec<u8> {
    decode(P192)
}

pub(crate) fn secp256k1() -> Vec<u8> {
    decode(SECP256K1)
}

pub(crate) fn dsa() -> Vec<u8> {
    decode(DSA)
}

/// The same point on P-256, with explicit parameters.
pub(crate) fn explicit_p256(point: &[u8]) -> Vec<u8> {
    public_key_info(&decode(EXPLICIT_P256), point)
}

/// The same RSA key (PKCS #1), for signatures in RSASSA-PSS only.
pub(crate) fn rsa_pss(key: &[u8]) -> Vec<u8> {
    public_key_info(&decode(RSASSA_PSS), key)
}

fn public_key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der::sequence(&[algorithm, &der::bit_string(key)])
}

fn decode(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_case::test_case;
    use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo};

    #[test_case(p192(), "1.2.840.10045.2.1"; "P-192")]
    #[test_case(secp256k1(), "1.2.840.10045.2.1"; "secp256k1")]
    #[test_case(dsa(), "1.2.840.10040.4.1"; "DSA")]
    #[test_case(explicit_p256(&[4; 65]), "1.2.840.10045.2.1"; "explicit parameters")]
    #[test_case(rsa_pss(&[1, 2, 3]), "1.2.840.113549.1.1.10"; "RSASSA-PSS")]
    fn a_key_is_public_key_info_of_its_algorithm(key: Vec<u8>, algorithm: &str) {
        let (rest, info) = SubjectPublicKeyInfo::from_der(&key).unwrap();
        assert!(rest.is_empty());
        assert_eq!(info.algorithm.algorithm.to_id_string(), algorithm);
    }
}
