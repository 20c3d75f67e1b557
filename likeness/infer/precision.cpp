#include "likeness/infer/precision.h"

namespace likeness {

std::string_view to_string(Precision precision) {
  switch (precision) {
    case Precision::kF32:
      return "f32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kInt8:
      return "int8";
  }
  return "";
}

std::optional<Precision> precision_from(std::string_view name) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    if (to_string(precision) == name) return precision;
  }
  return std::nullopt;
}

}  // namespace likeness
