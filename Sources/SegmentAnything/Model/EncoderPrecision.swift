/// In what arithmetic the image encoder's linear layers are computed; everything else is always in floats.
package enum EncoderPrecision: Sendable {
    /// Single precision, the weights as they are in the file.
    case exact
    /// Products of 8-bit codes with exact sums; see docs/decisions/0008-int8.md.
    case int8(QuantizedWeights)
}
