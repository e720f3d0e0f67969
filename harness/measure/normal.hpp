#pragma once

namespace reactorlab::measure {

/// P(Z <= z) of the standard normal distribution.
[[nodiscard]] double normal_share(double z);

/// The z with P(Z <= z) = share, in (0, 1).
[[nodiscard]] double normal_quantile(double share);

/// The same of Student's distribution, by Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5): to 1 % from 5 degrees of
/// freedom up, for shares between 0.001 and 0.999.
[[nodiscard]] double student_quantile(double share, double degrees);

}  // namespace reactorlab::measure
