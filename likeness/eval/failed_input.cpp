#include "likeness/eval/failed_input.h"

#include <nlohmann/json.hpp>

namespace likeness {

void tell_failed(nlohmann::ordered_json& report, std::span<const FailedInput> failed) {
  for (const FailedInput& one : failed)
    report["failed"].push_back({{"file", one.file}, {"error", one.error}});
}

}  // namespace likeness
