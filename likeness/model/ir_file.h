#pragma once

// Inside model/ only: what an OpenVINO IR file says, as text and places in its .bin.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

/// Where a layer's input comes from: another layer, and which of its outputs.
struct IrInput {
  std::size_t layer = 0;  ///< Place in the list of layers.
  std::size_t output = 0;
};

struct IrLayer {
  std::string name;
  std::string type;                         ///< "Convolution", "Const", ...
  std::string opset;                        ///< "opset1", ...
  std::map<std::string, std::string> data;  ///< Attributes of the element <data>.
  std::vector<IrInput> inputs;              ///< By port.

  /// An attribute; empty where the layer has none of that name.
  [[nodiscard]] std::string text(const std::string& key) const;
  /// An attribute of whole numbers, such as "1, 2"; "?" is -1. @throws std::runtime_error for anything else.
  [[nodiscard]] std::vector<std::int64_t> numbers(const std::string& key) const;
};

/// The layers of IR that check_ir() found good, each after those it reads.
/// @throws Error kModelInvalid with `file`.
[[nodiscard]] std::vector<IrLayer> read_ir_layers(std::string_view xml, const std::string& file);

}  // namespace likeness
