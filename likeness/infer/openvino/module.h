#pragma once

// Inside infer/openvino/ only: the module's one object. Each method has the file of its function's name.

#include "likeness/infer/openvino_module.h"

namespace likeness {

class LoadedOpenvino final : public OpenvinoModule {
 public:
  [[nodiscard]] std::unique_ptr<OpenvinoNetwork> compile(const std::filesystem::path& file,
                                                         const NetworkOptions& options) const override;
  [[nodiscard]] std::unique_ptr<OpenvinoNetwork> import(const std::filesystem::path& file,
                                                        const NetworkOptions& options,
                                                        std::string exported) const override;
  [[nodiscard]] std::vector<std::string> capabilities() const override;
  [[nodiscard]] std::string identity() const override;
  void write_network(const Graph& graph, const std::filesystem::path& xml) const override;
  void convert_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                       const ConvertOptions& options, const std::string& called) const override;
  [[nodiscard]] NetworkFacts describe_network(const std::filesystem::path& xml) const override;
  void quantize_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                        std::span<const Tensor> calibration, int threads) const override;
  void append_projection(const std::filesystem::path& network, const std::filesystem::path& xml,
                         const TensorView& matrix, std::span<const float> bias) const override;
  [[nodiscard]] double products_a_row(const std::filesystem::path& network) const override;
};

}  // namespace likeness
