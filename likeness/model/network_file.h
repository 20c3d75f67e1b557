#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

/// Checks the bytes of a TensorFlow frozen graph before anybody else reads them: the structure, that every
/// tensor is as long as it says, at most 1 GiB together, that every input exists, and that nothing goes in a
/// circle. Then sets what belongs to training: a bool placeholder such as `phase_train` is false, Switch and
/// Merge are resolved, and an input pipeline before the node `input` or `image_batch` is replaced by a
/// placeholder. Gives the new bytes; empty where nothing had to change. `output` is the wanted node, empty
/// for "embeddings".
/// @throws Error kModelInvalid with `file` and the node.
[[nodiscard]] std::string prepare_graph_def(std::string_view bytes, const std::string& file,
                                            const std::string& output = "");

/// Weights that an ONNX model keeps in another file.
struct OnnxWeights {
  std::string file;  ///< A bare name: the file lies beside the model.
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// The same checks for an ONNX model. Weights in other files are listed; those that do not lie beside the
/// model, sparse weights and subgraphs are refused. @throws Error kModelInvalid with `file`.
std::vector<OnnxWeights> check_onnx(std::string_view bytes, const std::string& file);

/// The files, each once, of the weights that `model` keeps outside: plain files of at most 1 GiB that hold
/// every tensor whole. Nothing of them is read. @throws Error kModelNotFound, kModelInvalid with the file.
[[nodiscard]] std::vector<std::filesystem::path> weight_files(const std::vector<OnnxWeights>& outside,
                                                              const std::filesystem::path& model);

/// The same checks for OpenVINO IR (version 10 or 11), of whose .bin only the size is needed: every constant
/// lies inside it and is as long as its shape says. Loops and other bodies are refused.
/// @throws Error kModelInvalid with `file` and the layer.
void check_ir(std::string_view xml, std::uint64_t weights_bytes, const std::string& file);

}  // namespace likeness
