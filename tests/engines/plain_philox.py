"""Philox in plain integers, slowly: what the engines' words are held against."""

MASK64 = 2**64 - 1


def philox_block(key, counter):
    """Philox4x64-10 (Salmon et al. 2011, section 3.3) in plain integers: four 64-bit words."""
    k0, k1 = key
    x0, x1, x2, x3 = counter
    for round_ in range(10):
        if round_ > 0:
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK64, (k1 + 0xBB67AE8584CAA73B) & MASK64
        product0, product2 = 0xD2E7470EE14C6C93 * x0, 0xCA5A826395121157 * x2
        x0, x1, x2, x3 = (
            (product2 >> 64) ^ x1 ^ k0,
            product2 & MASK64,
            (product0 >> 64) ^ x3 ^ k1,
            product0 & MASK64,
        )
    return x0, x1, x2, x3


def word32(seed, number, *counter):
    """The 32-bit word of that number, the counter's three words being those above the block."""
    word64 = philox_block((seed, 0), (number // 8 + 1, *counter))[number % 8 // 2]
    return word64 >> 32 if number % 2 else word64 & 0xFFFFFFFF
