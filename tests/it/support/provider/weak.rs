//! Signatures of RSA keys that no library will use: one of 512 bits, and one whose exponent is 1.

use aws_lc_rs::digest::{SHA256, digest};

/// A test key of 512 bits, as openssl made it; its public exponent is 65537.
pub const MODULUS: &str = "da6ce16ffbb554e35c137de0a3a20bc05929a424cdc6b43c9f17a3be013a2687\
                           7e996e5ca20d313554adbfbd985c87053960e5e6502fca479c2261b92ed1f141";
const PRIVATE: &str = "aacfe9007cf4527d36bd5b7c381afa5ba29ea8e9cb2e7036d427557aba54f259\
                       22be6e49516eb084a7a6e063ed0253a9b065b490af5820f3e6f25d2d46ddb911";
/// `DigestInfo` of SHA-256 (RFC 8017 §9.2).
const PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The message's hash, padded to `length` bytes: with the exponent 1 this is its signature.
pub fn padded(message: &[u8], length: usize) -> Vec<u8> {
    let mut text = vec![0, 1];
    text.resize(length - PREFIX.len() - 33, 0xff);
    text.push(0);
    text.extend(PREFIX);
    text.extend(digest(&SHA256, message).as_ref());
    text
}

/// The RS256 signature of the small key.
pub fn sign(message: &[u8]) -> Vec<u8> {
    power(&padded(message, 64), &bytes(PRIVATE))
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// 512 bits with room for one carry, least first.
type Number = [u64; 9];

/// `base ^ exponent mod MODULUS`, all most significant byte first, bit by bit: slow and short.
fn power(base: &[u8], exponent: &[u8]) -> Vec<u8> {
    let (base, modulus) = (number(base), number(&bytes(MODULUS)));
    let mut result = number(&[1]);
    for bit in exponent
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1))
    {
        result = product(&result, &result, &modulus);
        if bit == 1 {
            result = product(&result, &base, &modulus);
        }
    }
    let text: Vec<u8> = result.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    text[8..].to_vec()
}

fn product(one: &Number, other: &Number, modulus: &Number) -> Number {
    let mut result = Number::default();
    for place in (0..512).rev() {
        result = sum(&result, &result, modulus);
        if one[place / 64] >> (place % 64) & 1 == 1 {
            result = sum(&result, other, modulus);
        }
    }
    result
}

fn sum(one: &Number, other: &Number, modulus: &Number) -> Number {
    let (mut result, mut carry) = (Number::default(), false);
    for place in 0..9 {
        (result[place], carry) = one[place].carrying_add(other[place], carry);
    }
    if result.iter().rev().lt(modulus.iter().rev()) {
        return result;
    }
    let mut borrow = false;
    for place in 0..9 {
        (result[place], borrow) = result[place].borrowing_sub(modulus[place], borrow);
    }
    result
}

fn number(text: &[u8]) -> Number {
    let mut limbs = Number::default();
    for (place, byte) in text.iter().rev().enumerate() {
        limbs[place / 8] |= u64::from(*byte) << (place % 8 * 8);
    }
    limbs
}

#[test]
fn the_small_key_signs() {
    let signature = sign(b"message");
    assert_eq!(power(&signature, &[1, 0, 1]), padded(b"message", 64));
}
