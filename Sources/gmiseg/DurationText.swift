import ArgumentParser

/// A span of time as people write it: `90d`, `12h`, `30m`, `45s`.
struct DurationText: ExpressibleByArgument {
    let seconds: Int

    var duration: Duration { .seconds(seconds) }

    init?(argument: String) {
        let units = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[String($0)] }), let count = Int(argument.dropLast()),
            (1...10_000_000).contains(count)
        else { return nil }
        seconds = count * unit
    }
}
