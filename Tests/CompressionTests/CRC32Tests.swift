import Compression
import Testing

@Suite struct CRC32Tests {
    // The check value of the catalogue of parametrised CRC algorithms, CRC-32/ISO-HDLC.
    @Test(arguments: [("", 0), ("123456789", 0xCBF4_3926)] as [(String, UInt32)])
    func knownValues(_ text: String, _ expected: UInt32) {
        #expect(Array(text.utf8).withUnsafeBytes { CRC32.of($0) } == expected)
    }
}
