import API
import Posix
import Storage
import Testing

/// What is wrong with the server's disk is told without saying how it is laid out.
@Suite struct DiscretionTests {
    private static let path = "/srv/secret/staging/file"

    @Test(arguments: [
        (StoreError.diskFull(path: path), 507), (.notWritable(path: path, code: 13), 500),
        (.system(call: "open", path: path, code: 5), 500), (.corrupted(path: path, detail: path), 500),
        (.databaseMissing(path: path), 500), (.database(code: 11, detail: path), 500),
    ]) func ofTheStore(_ error: StoreError, _ status: Int) {
        let problem = Problem(error)
        #expect(problem.status == status)
        #expect(problem.hint?.isEmpty == false)
        let text = problem.json.text()
        #expect(!text.contains("secret") && !text.contains("staging"), "\(text)")
        // Whoever runs the server reads it in the log.
        #expect("\(error)".contains("secret") || status == 500)
    }

    @Test(arguments: [(Int32(28), 507), (122, 507), (5, 500)]) func ofFiles(_ code: Int32, _ status: Int) {
        let problem = Problem(SystemCallError("write", code: code, subject: Self.path))
        #expect(problem.status == status)
        #expect(!problem.json.text().contains("secret"))
    }
}
