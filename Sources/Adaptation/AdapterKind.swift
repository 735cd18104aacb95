/// What an adaptation trains. The raw value is the wire's `adapter.kind` and the card's `kind`.
package enum AdapterKind: String, Codable, Sendable, CaseIterable {
    /// Rank-r updates of the q and v projections of the image encoder's blocks (paper §3.1).
    case lora
    /// The mask decoder's own weights; the image encoder runs once per view and is cached.
    case decoder
    case loraDecoder = "lora+decoder"
    /// Factors of every block, averaged over their ranks and stacked over the blocks into one update that all of them share
    /// (paper §3.2).
    case pooled

    package var trainsEncoder: Bool { self != .decoder }
    package var trainsDecoder: Bool { self == .decoder || self == .loraDecoder }
}
