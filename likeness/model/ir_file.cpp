#include "likeness/model/ir_file.h"

#include <expat.h>

#include <charconv>
#include <memory>
#include <new>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/model/graph_order.h"

namespace likeness {
namespace {

/// A number of a layer, a port or a size; -1 where it is none.
std::int64_t whole(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

struct Edge {
  std::int64_t from = 0, from_port = 0, to = 0, to_port = 0;
};

/// Collects what expat meets. No exception may pass through expat's C, so the one there can be is kept.
struct Collector {
  std::vector<std::string> path;
  std::vector<IrLayer> layers;
  std::unordered_map<std::int64_t, std::size_t> places;  // of layers by their number in the file
  std::vector<std::map<std::int64_t, std::size_t>> in_ports, out_ports;  // of layers: number to place
  std::vector<Edge> edges;
  bool no_memory = false;

  void start(const std::string& element, const std::map<std::string, std::string>& attributes) {
    const auto value = [&](const char* key) {
      const auto found = attributes.find(key);
      return found == attributes.end() ? std::string() : found->second;
    };
    const std::size_t depth = path.size();
    const bool in_layer = depth >= 3 && path[1] == "layers" && path[2] == "layer";
    if (depth == 2 && path[1] == "layers" && element == "layer") {
      places.emplace(whole(value("id")), layers.size());
      layers.push_back({value("name"), value("type"), value("version"), {}, {}});
      in_ports.emplace_back();
      out_ports.emplace_back();
    } else if (depth == 3 && in_layer && element == "data") {
      layers.back().data = attributes;
    } else if (depth == 4 && in_layer && element == "port") {
      auto& ports = path[3] == "input" ? in_ports.back() : out_ports.back();
      ports.emplace(whole(value("id")), ports.size());
    } else if (depth == 2 && path[1] == "edges" && element == "edge") {
      edges.push_back({whole(value("from-layer")), whole(value("from-port")), whole(value("to-layer")),
                       whole(value("to-port"))});
    }
    path.push_back(element);
  }
};

/// Sets every layer's inputs; false where an edge or a port is missing.
bool connect(Collector& all) {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  for (std::size_t i = 0; i < all.layers.size(); ++i)
    all.layers[i].inputs.assign(all.in_ports[i].size(), IrInput{kNone, 0});
  for (const Edge& edge : all.edges) {
    const auto from = all.places.find(edge.from);
    const auto to = all.places.find(edge.to);
    if (from == all.places.end() || to == all.places.end()) return false;
    const auto out = all.out_ports[from->second].find(edge.from_port);
    const auto in = all.in_ports[to->second].find(edge.to_port);
    if (out == all.out_ports[from->second].end() || in == all.in_ports[to->second].end()) return false;
    all.layers[to->second].inputs[in->second] = {from->second, out->second};
  }
  for (const IrLayer& layer : all.layers) {
    for (const IrInput& input : layer.inputs) {
      if (input.layer == kNone) return false;
    }
  }
  return true;
}

}  // namespace

std::string IrLayer::text(const std::string& key) const {
  const auto found = data.find(key);
  return found == data.end() ? std::string() : found->second;
}

std::vector<std::int64_t> IrLayer::numbers(const std::string& key) const {
  std::vector<std::int64_t> values;
  const std::string all = text(key);
  for (std::string_view rest = all; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    values.push_back(whole(one));
    if (values.back() < 0 && one != "-1" && one != "?") throw std::runtime_error("has an odd " + key);
  }
  return values;
}

std::vector<IrLayer> read_ir_layers(std::string_view xml, const std::string& file) {
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr),
                                                                            XML_ParserFree);
  if (parser == nullptr) throw std::bad_alloc();
  Collector all;
  XML_SetUserData(parser.get(), &all);
  XML_SetElementHandler(
      parser.get(),
      [](void* user, const XML_Char* element, const XML_Char** attributes) {
        auto& collector = *static_cast<Collector*>(user);
        try {
          std::map<std::string, std::string> values;
          for (; attributes[0] != nullptr; attributes += 2) values.emplace(attributes[0], attributes[1]);
          collector.start(element, values);
        } catch (const std::bad_alloc&) {
          collector.no_memory = true;
        }
      },
      [](void* user, const XML_Char*) {
        auto& path = static_cast<Collector*>(user)->path;
        if (!path.empty()) path.pop_back();
      });
  const XML_Status status =
      XML_Parse(parser.get(), xml.data(), static_cast<int>(xml.size()), /*isFinal=*/XML_TRUE);
  if (all.no_memory) throw std::bad_alloc();
  std::vector<std::vector<std::size_t>> reads;
  if (status == XML_STATUS_OK && connect(all)) {
    for (const IrLayer& layer : all.layers) {
      reads.emplace_back();
      for (const IrInput& input : layer.inputs) reads.back().push_back(input.layer);
    }
  }
  const std::vector<std::size_t> order = order_of(reads);
  if (all.layers.empty() || order.size() != all.layers.size()) {
    throw Error(ErrorCode::kModelInvalid, file + ": its layers are not connected");
  }
  std::vector<std::size_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  std::vector<IrLayer> layers;
  for (const std::size_t i : order) {
    layers.push_back(std::move(all.layers[i]));
    for (IrInput& input : layers.back().inputs) input.layer = place[input.layer];
  }
  return layers;
}

}  // namespace likeness
