#pragma once

#include <string>
#include <string_view>

namespace likeness {

/// What one of OpenVINO's many-line messages says, as one line of at most 300 characters: operator, name and
/// reason, as "Conv getitem: Strides should be defined for all and only spatial dimensions." Conditions and
/// places in its sources are left out, and nothing is cut inside a word.
[[nodiscard]] std::string reduced_reason(std::string_view message);

}  // namespace likeness
