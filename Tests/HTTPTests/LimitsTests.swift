import HTTP
import Testing

@Suite struct LimitsTests {
    @Test(arguments: [
        (Int.max, 2_048), (2_304, 2_048), (2_303, 2_047), (1_024, 768), (512, 256), (300, 150), (0, 0),
    ])
    func connectionsFitTheDescriptors(_ descriptors: Int, _ connections: Int) {
        #expect(Limits().fitting(descriptors: descriptors).connections == connections)
    }

    /// A long body that trickles would keep the room that is set aside for it from everybody else.
    @Test(arguments: [
        (BodyFraming.none, 1_024), (.chunked, 1_024), (.length(0), 1_024), (.length(3_600 * 1_024), 1_024),
        (.length(3_600 * 2_000), 2_000), (.length(1 << 30), 298_261),
    ])
    func everyBodyMustBeAbleToEndWithinAnHour(_ framing: BodyFraming, _ bytesPerSecond: Int) {
        #expect(Limits().leastRate(of: framing) == bytesPerSecond)
    }
}
