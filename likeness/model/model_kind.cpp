#include "likeness/model/model_kind.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <utility>

#include "likeness/infer/output_kinds.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

constexpr const char* kSavedModel =
    "a TensorFlow SavedModel folder, which is not read; save the model as .keras, .h5 or ONNX";
constexpr const char* kTorch =
    "a PyTorch checkpoint, a pickle that is never opened; export the network as ONNX";

std::string first_bytes(const fs::path& file) {
  std::string bytes(1024, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

bool starts_as_web_page(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string lower(text.substr(0, 14));
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower.starts_with("<!doctype html") || lower.starts_with("<html");
}

// torch.save since 1.6 writes a zip whose first entry is NAME/data.pkl; before it wrote a pickle. A local
// header's name starts at byte 30 and has its length at 26 (PKWARE's APPNOTE, 4.3.7).
bool is_torch(std::string_view start) {
  if (start.starts_with("\x80\x02"sv) || start.starts_with("\x80\x03"sv) || start.starts_with("\x80\x04"sv) ||
      start.starts_with("\x80\x05"sv)) {
    return true;
  }
  if (!start.starts_with("PK\3\4"sv) || start.size() < 30) return false;
  const auto length = static_cast<unsigned char>(start[26]) + 256U * static_cast<unsigned char>(start[27]);
  const std::string_view name = start.substr(30, length);
  return name.ends_with("/data.pkl") || name.ends_with("/version") ||
         name.find("/data/") != std::string_view::npos;
}

// A safetensors file: eight bytes with the length of a JSON object, and the object.
bool is_safetensors(std::string_view start) {
  return start.size() > 9 && start.substr(4, 4) == "\0\0\0\0"sv && start.substr(8, 2) == "{\""sv;
}

std::string by_ending(const std::string& ending) {
  constexpr std::array<std::pair<std::string_view, const char*>, 9> kEndings{
      {{".tflite", "a TensorFlow Lite model"},
       {".caffemodel", "a Caffe model"},
       {".mlmodel", "a Core ML model"},
       {".param", "an ncnn model"},
       {".engine", "a TensorRT engine"},
       {".ckpt", "a TensorFlow checkpoint"},
       {".meta", "a TensorFlow checkpoint"},
       {".index", "a TensorFlow checkpoint"},
       {".pkl", "a pickle, which is never opened"}}};
  for (const auto& [known, words] : kEndings) {
    if (ending == known) return std::string(words) + "; export the network as ONNX";
  }
  return {};
}

}  // namespace

std::string foreign_model(const fs::path& file) {
  std::error_code error;
  if (fs::is_directory(file, error)) {
    const bool saved =
        fs::exists(file / "saved_model.pb", error) || fs::exists(file / "saved_model.pbtxt", error);
    return saved ? kSavedModel : "a folder, not a model file";
  }
  if (file.filename() == "saved_model.pb") return std::string("part of ") + kSavedModel;
  const std::string start = first_bytes(file);
  if (start.starts_with("version https://git-lfs.github.com/spec/"))
    return "a Git LFS pointer, not the model itself; fetch the model with git lfs pull";
  if (starts_as_web_page(start)) return "a web page, not a model; the download gave something else";
  if (start.size() >= 8 && std::string_view(start).substr(4, 4) == "TFL3")
    return "a TensorFlow Lite model; export the network as ONNX";
  const std::string ending = file.extension().string();
  if (is_torch(start) || ending == ".pt" || ending == ".pth") return kTorch;
  if (is_safetensors(start))
    return "a safetensors file, weights without a network; export the network as ONNX";
  if (start.starts_with("\x1F\x8B"sv)) return "a gzip archive; unpack it";
  return by_ending(ending);
}

std::string landmark_network(int numbers) {
  const std::string found = landmarks_of(numbers);
  if (found.empty()) return {};
  return "its " + std::to_string(numbers) + " numbers a picture are as many as " + found +
         ", so it is a landmark network and gives no embeddings";
}

}  // namespace likeness
