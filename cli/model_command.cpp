#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/advice.h"
#include "cli/commands.h"
#include "cli/model_parts.h"
#include "cli/options.h"
#include "likeness/embed/check_pack.h"
#include "likeness/infer/network.h"
#include "likeness/model/model_pack.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

struct Args {
  fs::path models;
  std::vector<std::string> names;
  std::string precision = "f32";
  int threads = 1;
  bool json = false;
};

nlohmann::ordered_json json_of(const ModelPack& pack) {
  auto json = nlohmann::ordered_json::parse(to_json(pack));
  json["folder"] = pack.folder.string();
  if (pack.kind == PackKind::kEmbedder) json["id"] = pack.contract.id();
  return json;
}

/// A pack's figure as its table has it; "-" where it was not measured.
std::string figure_of(const ModelPack& pack, const std::string& name, int digits) {
  for (const PackFigure& figure : pack.figures) {
    if (figure.name != name) continue;
    std::ostringstream text;
    text << std::fixed << std::setprecision(digits) << figure.value;
    return text.str();
  }
  return "-";
}

std::vector<std::string> row_of(const ModelPack& pack) {
  const Contract& contract = pack.contract;
  std::uint64_t bytes = 0;
  for (const PackFile& file : pack.files) bytes += file.bytes;
  std::ostringstream what, size;
  if (pack.kind == PackKind::kDetector) {
    what << "finds faces, " << to_string(pack.detector.method);
  } else {
    what << contract.dimension << "-D, " << size_of(contract.crop) << ", " << to_string(contract.crop.profile)
         << ", " << precisions_of(pack);
  }
  size << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1e6;
  return {contract.name,
          what.str(),
          figure_of(pack, "accuracy", 3),
          figure_of(pack, "val_at_far_0.001", 3),
          figure_of(pack, "fnir_at_fpir_0.01", 3),
          figure_of(pack, "ms_a_face", 1),
          size.str(),
          contract.licence,
          pack.folder.string()};
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + (i + 1 < row.size() ? std::string(widths[i] - row[i].size() + 2, ' ') : "");
    std::cout << line << '\n';
  }
}

Exit list(const Args& args) {
  std::vector<std::string> problems;
  const auto packs = list_packs(pack_search_path(args.models), &problems);
  std::vector<std::vector<std::string>> rows{
      {"name", "what", "accuracy", "VAL", "FNIR", "ms", "MB", "licence", "folder"}};
  for (const ModelPack& pack : packs) {
    if (args.json) {
      std::cout << json_of(pack).dump() << '\n';
    } else {
      rows.push_back(row_of(pack));
    }
  }
  if (rows.size() > 1) {
    print_table(rows);
    std::cout
        << "accuracy: LFW's pairs; VAL at FAR .001; FNIR at FPIR 1 %; ms: processor time of the network "
           "a face; `model info` says by which command\n";
  }
  for (const std::string& problem : problems) std::cerr << "likeness: " << problem << '\n';
  if (packs.empty() && problems.empty()) {
    throw Error(ErrorCode::kModelNotFound,
                "no model packs; run scripts/demo to fetch them, or say where with --models");
  }
  return problems.empty() ? Exit::kDone : Exit::kModel;
}

Exit info(const Args& args) {
  for (const std::string& name : args.names) {
    const ModelPack pack = find_pack(name, pack_search_path(args.models));
    if (args.json) {
      std::cout << json_of(pack).dump() << '\n';
      continue;
    }
    std::cout << "name         " << pack.contract.name << '\n';
    pack.kind == PackKind::kEmbedder ? print_embedder(pack) : print_detector(pack);
    std::cout << "origin       " << pack.contract.source << '\n'
              << "licence      " << pack.contract.licence << '\n'
              << "folder       " << pack.folder.string() << '\n';
    for (const PackFile& file : pack.files) {
      std::cout << "file         " << file.name << ", " << file.bytes << " bytes, sha256 " << file.sha256
                << '\n';
    }
  }
  return Exit::kDone;
}

/// How near the self-test came.
std::string result_of(const PackCheck& check) {
  std::ostringstream result;
  result << std::fixed;
  if (check.shift) {
    if (!std::isfinite(*check.shift)) return "other faces than it must find";
    result << std::setprecision(4) << "faces off by " << *check.shift << " px, at most " << kLargestShift;
  } else {
    result << std::setprecision(7) << "cosine " << check.cosine << ", at least " << check.least_cosine;
  }
  return result.str();
}

/// Every pack is tried; the first that fails does not hide the next.
Exit test(const Args& args) {
  const auto search = pack_search_path(args.models);
  std::vector<std::string> problems;
  std::vector<ModelPack> packs;
  if (args.names.empty()) packs = list_packs(search, &problems);
  for (const std::string& name : args.names) packs.push_back(find_pack(name, search));
  for (const ModelPack& pack : packs) {
    try {
      const PackCheck check = check_pack(pack, *precision_from(args.precision), args.threads);
      const std::string result = result_of(check);
      if (!check.passed())
        problems.push_back("model " + pack.contract.name + " fails its self-test: " + result);
      if (check.passed()) {
        const bool tested = pack.kind == PackKind::kEmbedder || check.shift;
        std::cout << pack.contract.name << ": checksums right, "
                  << (tested ? "self-test passed (" + result + ")" : "networks load") << '\n';
      }
    } catch (const Error& e) {
      if (e.code() == ErrorCode::kUnsupported) throw;
      problems.push_back("model " + pack.contract.name + " fails: " + with_advice(e));
    }
  }
  for (const std::string& problem : problems) std::cerr << "likeness: " << problem << '\n';
  if (packs.empty() && problems.empty()) {
    throw Error(ErrorCode::kModelNotFound,
                "no model packs; run scripts/demo to fetch them, or say where with --models");
  }
  return problems.empty() ? Exit::kDone : Exit::kModel;
}

CLI::App* add_part(CLI::App& command, const std::string& name, const std::string& words, Args& args) {
  CLI::App* part = command.add_subcommand(name, words);
  part->add_option("--models", args.models, "Folder of model packs to look in first");
  return part;
}

}  // namespace

void add_model_command(CLI::App& app, Exit& exit) {
  auto args = std::make_shared<Args>();
  CLI::App* command =
      app.add_subcommand("model", "List, describe, test, import, measure, quantize and compare model packs");
  command->require_subcommand(1);

  CLI::App* part =
      add_part(*command, "list", "Packs that are found, one a line\nExample: likeness model list", *args);
  part->add_flag("--json", args->json, "One JSON object a pack");
  part->callback([args, &exit] { exit = list(*args); });

  part = add_part(*command, "info",
                  "What a pack expects and gives, where it comes from, its licence\n"
                  "Example: likeness model info 20180408-102900",
                  *args);
  part->add_option("names", args->names, "Names or folders of packs")->required();
  part->add_flag("--json", args->json, "One JSON object a pack");
  part->callback([args, &exit] { exit = info(*args); });

  part = add_part(*command, "test",
                  "Compare a pack's files with their checksums and run its self-test\n"
                  "Example: likeness model test 20180408-102900",
                  *args);
  part->add_option("names", args->names, "Names or folders of packs; none: all that are found");
  part->add_option("--precision", args->precision, "f32, bf16 or int8")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16", "int8"}));
  part->add_option("--threads", args->threads, "Threads to use")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  part->callback([args, &exit] { exit = test(*args); });

  add_model_import(*command, exit);
  add_model_quantize(*command, exit);
  add_model_compare(*command, exit);
  add_model_centre(*command, exit);
  add_model_measure(*command, exit);
}

}  // namespace likeness::cli
