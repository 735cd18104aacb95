import Glibc

// Glibc's names under ours: its `exp` and `log` are imported in this file alone, away from the operations' names.
func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }
func sine(_ x: Double) -> Double { sin(x) }
func cosine(_ x: Double) -> Double { cos(x) }
