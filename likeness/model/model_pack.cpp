#include "likeness/model/model_pack.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>

#include "likeness/core/sha256.h"
#include "likeness/model/detector_contract.h"
#include "likeness/model/json_fields.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "likeness model pack";
constexpr int kVersion = 1;
constexpr std::uintmax_t kLargestModelJson = 1 << 20;
constexpr std::array<std::string_view, 4> kFigures{"accuracy", "val_at_far_0.001", "fnir_at_fpir_0.01",
                                                   "ms_a_face"};

std::string read_model_json(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) throw Error(ErrorCode::kModelNotFound, "no model pack at " + path.parent_path().string());
  if (size > kLargestModelJson) throw Error(ErrorCode::kModelInvalid, path.string() + " is over 1 MB");
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() != size) throw Error(ErrorCode::kModelInvalid, path.string() + " cannot be read");
  return text;
}

std::vector<PackFile> files_from(const JsonFields& fields) {
  std::vector<PackFile> files;
  const auto& list = fields.array("files");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonFields item = fields.item("files", list, i);
    item.only({"name", "bytes", "sha256"});
    files.push_back({file_name(item, "name"), static_cast<std::uint64_t>(item.integer("bytes", 0, 1LL << 40)),
                     item.text("sha256")});
  }
  return files;
}

std::map<Precision, std::string> networks_from(const JsonFields& fields) {
  std::map<Precision, std::string> networks;
  if (!fields.has("networks")) return networks;
  const JsonFields object = fields.object("networks");
  object.only({"bf16", "int8"});
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    const std::string name(to_string(precision));
    if (object.has(name.c_str())) networks[precision] = file_name(object, name.c_str());
  }
  return networks;
}

std::vector<PackFigure> figures_from(const JsonFields& fields) {
  std::vector<PackFigure> figures;
  if (!fields.has("figures")) return figures;
  const auto& list = fields.array("figures");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonFields item = fields.item("figures", list, i);
    item.only({"figure", "value", "origin"});
    PackFigure figure{item.text("figure"), item.number("value"), item.text("origin")};
    if (std::ranges::find(kFigures, figure.name) == kFigures.end())
      item.wrong("figure", "accuracy, val_at_far_0.001, fnir_at_fpir_0.01 or ms_a_face");
    if (!(figure.value >= 0 && figure.value <= 1e6)) item.wrong("value", "a share, or milliseconds");
    figures.push_back(std::move(figure));
  }
  return figures;
}

void read_embedder(const JsonFields& fields, ModelPack& pack) {
  fields.only({"format", "version", "kind", "contract", "files", "networks", "self_test", "figures"});
  pack.contract = contract_from(fields.object("contract"));
  pack.networks = networks_from(fields);
  if (fields.has("self_test")) pack.self_test = file_name(fields, "self_test");
  pack.figures = figures_from(fields);
}

/// Every file the pack uses must be one it vouches for.
void check_listed(const ModelPack& pack, const JsonFields& fields) {
  std::vector<std::string> used;
  if (pack.kind == PackKind::kDetector) used = network_files(pack.detector);
  if (pack.kind == PackKind::kEmbedder) used.push_back(pack.contract.network);
  for (const auto& [precision, name] : pack.networks) used.push_back(name);
  if (!pack.self_test.empty()) used.push_back(pack.self_test);
  if (const auto& projection = pack.contract.projection) used.push_back(projection->file);
  for (const std::string& name : used) {
    if (std::ranges::none_of(pack.files, [&](const PackFile& file) { return file.name == name; })) {
      fields.fail("does not list its file \"" + name + "\" under \"files\"");
    }
  }
}

void check_sizes(const ModelPack& pack) {
  for (const PackFile& file : pack.files) {
    const fs::path path = pack.folder / file.name;
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) {
      throw Error(ErrorCode::kModelNotFound,
                  "no file " + path.string() + ", which belongs to the model pack " + pack.contract.name,
                  Remedy::kFetchModels);
    }
    if (size != file.bytes) {
      throw Error(
          ErrorCode::kModelInvalid,
          path.string() + " has " + std::to_string(size) + " bytes instead of " + std::to_string(file.bytes),
          Remedy::kFetchModels);
    }
  }
}

bool has_model_json(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "model.json", ignored);
}

}  // namespace

fs::path ModelPack::network(Precision precision) const {
  if (const auto own = networks.find(precision); own != networks.end()) return folder / own->second;
  if (precision == Precision::kInt8) {
    throw Error(ErrorCode::kUnsupported,
                "the model pack " + contract.name + " at " + folder.string() + " has no int8 network",
                Remedy::kQuantize);
  }
  return folder / contract.network;
}

ModelPack load_pack(const fs::path& folder) {
  const fs::path path = folder / "model.json";
  const nlohmann::json json = parse_json(read_model_json(path), path.string());
  const JsonFields fields(json, path.string());
  if (fields.text("format") != kFormat) fields.wrong("format", "\"" + std::string(kFormat) + "\"");
  (void)fields.integer("version", kVersion, kVersion);

  ModelPack pack{.folder = folder};
  const std::string kind = fields.text("kind");
  // "mtcnn" is what a detector's pack was called while there was one method.
  if (kind != "embedder" && kind != "detector" && kind != "mtcnn")
    fields.wrong("kind", "embedder or detector");
  pack.kind = kind == "embedder" ? PackKind::kEmbedder : PackKind::kDetector;
  pack.files = files_from(fields);
  if (pack.kind == PackKind::kEmbedder) {
    read_embedder(fields, pack);
  } else {
    pack.detector = detector_from(fields, kind == "detector");
    pack.contract.name = fields.text("name");
    pack.contract.source = fields.text("source");
    pack.contract.licence = fields.text("licence");
    if (fields.has("self_test")) pack.self_test = file_name(fields, "self_test");
  }
  check_listed(pack, fields);
  check_sizes(pack);
  return pack;
}

ModelPack find_pack(const std::string& name_or_path, const std::vector<fs::path>& search) {
  if (name_or_path.find('/') != std::string::npos || has_model_json(name_or_path))
    return load_pack(name_or_path);
  std::string places;
  for (const fs::path& folder : search) {
    if (has_model_json(folder / name_or_path)) return load_pack(folder / name_or_path);
    places += (places.empty() ? "" : ", ") + folder.string();
  }
  throw Error(ErrorCode::kModelNotFound,
              "no model pack \"" + name_or_path + '"' +
                  (places.empty() ? ", for no folder of models was given" : " in " + places),
              Remedy::kFetchModels);
}

std::vector<ModelPack> list_packs(const std::vector<fs::path>& search, std::vector<std::string>* problems) {
  std::map<std::string, ModelPack> packs;
  std::set<std::string> taken;
  for (const fs::path& folder : search) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (!has_model_json(entry.path()) || !taken.insert(name).second) continue;
      try {
        packs.emplace(name, load_pack(entry.path()));
      } catch (const Error& e) {
        if (problems != nullptr) problems->emplace_back(e.what());
      }
    }
  }
  std::vector<ModelPack> list;
  for (auto& [name, pack] : packs) list.push_back(std::move(pack));
  return list;
}

void verify_pack(const ModelPack& pack) {
  for (const PackFile& file : pack.files) {
    const fs::path path = pack.folder / file.name;
    const std::string digest = sha256_file(path);
    if (digest != file.sha256) {
      throw Error(ErrorCode::kModelInvalid,
                  path.string() + " is damaged: its SHA-256 is " + digest + " instead of " + file.sha256);
    }
  }
}

std::string to_json(const ModelPack& pack) {
  using Json = nlohmann::ordered_json;
  Json json{{"format", kFormat}, {"version", kVersion}};
  if (pack.kind == PackKind::kDetector) {
    json["kind"] = "detector";
    json["name"] = pack.contract.name;
    json["source"] = pack.contract.source;
    json["licence"] = pack.contract.licence;
    json.update(detector_object(pack.detector));
    if (!pack.self_test.empty()) json["self_test"] = pack.self_test;
  } else {
    json["kind"] = "embedder";
    json["contract"] = contract_object(pack.contract);
    for (const auto& [precision, name] : pack.networks)
      json["networks"][std::string(to_string(precision))] = name;
    if (!pack.self_test.empty()) json["self_test"] = pack.self_test;
    for (const PackFigure& figure : pack.figures) {
      json["figures"].push_back(
          {{"figure", figure.name}, {"value", figure.value}, {"origin", figure.origin}});
    }
  }
  json["files"] = Json::array();
  for (const PackFile& file : pack.files) {
    json["files"].push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace likeness
