import Client
import Dispatch

/// The client on threads of its own: it blocks, and the server under test shares this process's few concurrency threads.
struct TestClient: Sendable {
    private var client: Client

    init(_ address: String) throws { client = try Client(address) }

    /// The same with this token.
    func with(_ token: String?) -> TestClient {
        var other = self
        other.client.token = token
        return other
    }

    func send(_ request: ClientRequest) async throws -> ClientResponse {
        try await aside { client in try client.send(request) }
    }

    func get(_ path: String, headers: [(String, String)] = []) async throws -> ClientResponse {
        try await aside { client in try client.get(path, headers: headers) }
    }

    func delete(_ path: String) async throws -> ClientResponse { try await aside { client in try client.delete(path) } }

    func post(
        _ path: String, form: [FormPart], headers: [(String, String)] = []
    ) async throws -> ClientResponse {
        try await aside { client in try client.post(path, form: form, headers: headers) }
    }

    func exchange(raw bytes: [UInt8]) async throws -> ClientResponse {
        try await aside { client in try client.exchange(raw: bytes) }
    }

    private func aside(
        _ body: @escaping @Sendable (Client) throws -> ClientResponse
    ) async throws -> ClientResponse {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "test client").async { @Sendable [client] in
                continuation.resume(with: Result { try body(client) })
            }
        }
    }
}
