import API
import HTTP
import Server

/// One line for each request: when, what kind, how it went. No names of files, no prompts, no path as it was typed.
enum RequestLog {
    static func write(_ entry: AccessLogEntry) {
        let milliseconds = entry.duration / .milliseconds(1)
        var members: [JSON.Member] = [
            .init("level", "info"), .init("message", "request"), .init("request", .string(entry.id)),
            .init("method", .string(entry.method)), .init("route", .string(entry.route)),
            .init("status", .integer(entry.status)), .init("milliseconds", .rounded(milliseconds, places: 3)),
            .init("received", .integer(entry.requestBytes)), .init("sent", .integer(entry.responseBytes)),
            .init("complete", .bool(entry.isComplete)), .init("peer", .string(entry.peer)),
        ]
        if let trace = entry.trace {
            members.append(.init("trace", .string(trace.traceID)))
            members.append(.init("parent", .string(trace.parentID)))
        }
        LogLines.standardError.write(members)
    }
}
