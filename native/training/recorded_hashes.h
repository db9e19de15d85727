// What recorded_bits.cpp is held against: written by native/tests/check_bits --record.
#pragma once

#include <cstdint>

namespace treadle {

constexpr struct {
    const char* option;
    uint64_t bits;
} RECORDED[] = {
    {"activation identity", 0x3172939315f6f702u},
    {"activation relu", 0xab4cc1903c288072u},
    {"activation tanh", 0x8e13cc2ce0689af3u},
    {"activation logistic", 0xaf38fa93142bf12du},
    {"activation gelu", 0xe7e76b5dd5fb5cd8u},
    {"activation silu", 0x7be94c02c9429b79u},
    {"activation selu", 0x7dda280ad7965418u},
    {"activation mish", 0x6cf152052bfdd45du},
    {"loss cross-entropy of soft targets", 0xa52b15c42fe519dau},
    {"loss binary cross-entropy", 0x9283be4db0ffa140u},
    {"loss squared", 0xe3b8a7413c3dc553u},
    {"loss absolute", 0x8e405a4d4bb8f42au},
    {"loss huber", 0xf98cb01549b18bd8u},
    {"loss poisson", 0xe6e30052de931f37u},
    {"one output, binary cross-entropy", 0xde0f75aae627a665u},
    {"one output, squared", 0x61d25dd5ce03186eu},
    {"one output, absolute", 0x6fd43e44464d7da3u},
    {"one output, huber", 0xc9913fc30c0c5506u},
    {"one output, poisson", 0xa3f6e6fd2c2a29d8u},
    {"label smoothing", 0xe6244f31e529a4b0u},
    {"optimizer adamw", 0x1c706f64accb7f20u},
    {"optimizer momentum", 0x55248e1cedade9a4u},
    {"optimizer nesterov", 0x7432ca016466b8bfu},
    {"optimizer plain", 0xc6c2e33e4faf2395u},
    {"dropout", 0xdc4c22e922aa7420u},
    {"batch normalisation", 0x837c1ef425122b19u},
    {"flips and shifts", 0x4cc9291af128e734u},
    {"l2", 0xe9a6438df97d374au},
    {"weights of rows", 0x9ef39aa6c26dc00fu},
    {"X as uint8", 0xb118921a7fd722ddu},
    {"X as float64", 0xbe31df80b570fd8eu},
    {"X as columns of uint8", 0xb118921a7fd722ddu},
    {"X as columns of float32", 0xab4cc1903c288072u},
    {"X as columns of float64", 0xbe31df80b570fd8eu},
    {"X as sparse rows of uint8", 0xd7e3d26a322f87a3u},
    {"X as sparse rows of float32", 0x691c859d189c54bfu},
    {"X as sparse rows of float64", 0x77933a36218550ceu},
    {"layers of 1, 1 units", 0xa4471a128f5bea09u},
    {"layers of 3, 1, 2 units", 0x5c30cf64e9c1425cu},
    {"layers of 31, 63, 65, 33 units", 0x3beda68903b539d1u},
    {"layers of 700, 100, 127 units", 0xa12c8144e4f3ad46u},
    {"fading moments, adam", 0x9a14bdffd1b4b2bcu},
    {"fading moments, momentum", 0x2a9f11a361f53b83u},
    {"fading moments, nesterov", 0x6dd93de8c71eec43u},
    {"fading moments, batch normalisation", 0xbba735f55ea6946bu},
    {"parametric activations", 0xdf6497474548bcc7u},
    {"rates by block, dropout and decay that fade", 0x88639e671cb35102u},
    {"input stage", 0x47803ed18a1c282du},
    {"input stage of numbers alone, no hidden layer, on three threads", 0xb330adc6a0d0105fu},
    {"everything at once, on three threads", 0x0552c54530c3b543u},
};

}  // namespace treadle
