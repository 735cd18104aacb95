import Glibc

/// The textbook functions, in double precision.
func exactExponential(_ x: Double) -> Double { exp(x) }
func exactGelu(_ x: Double) -> Double { 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }
func exactGeluSlope(_ x: Double) -> Double {
    0.5 * (1 + erf(x / 2.0.squareRoot())) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
}
