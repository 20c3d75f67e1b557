#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "serve/http.h"

namespace likeness::serve {

/// Which similarity CompreFace's clients are given.
enum class CompreFaceScale {
  kPublished,   ///< CompreFace's own curve where the model is the one that it was made for, else kCalibrated.
  kCalibrated,  ///< One half where the gallery's rule begins to give names.
};

/// Posts to another server and waits. @throws Error kUnavailable.
using Forward =
    std::function<Response(const std::string& url, const Fields& headers, const std::string& body)>;

/// Other servers' protocols, beside /v1.
struct CompatOptions {
  std::vector<std::string> protocols{};  ///< Of compat_protocols().
  CompreFaceScale compreface_scale = CompreFaceScale::kPublished;
  std::string immich_upstream{};  ///< http:// or https://: gets what is not about faces; empty: is refused.
  Forward forward{};              ///< Needed for immich_upstream.
};

}  // namespace likeness::serve
