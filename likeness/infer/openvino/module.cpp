#include "likeness/infer/openvino/module.h"

#include <cstdlib>
#include <cstring>

#include "likeness/infer/openvino/openvino.h"
#include "likeness/version.h"

namespace likeness {

std::vector<std::string> LoadedOpenvino::capabilities() const {
  return openvino_core().get_property("CPU", ov::device::capabilities);
}

std::string LoadedOpenvino::identity() const {
  std::string text = std::string(ov::get_openvino_version().buildNumber) + "\n" +
                     openvino_core().get_property("CPU", ov::device::full_name) + "\n";
  for (const std::string& capability : capabilities()) text += capability + " ";
  // With it oneDNN, OpenVINO's kernels, leaves out what the CPU has beyond an instruction set.
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables here
    text += std::string("\n") + (value != nullptr ? value : "");
  }
  return text;
}

}  // namespace likeness

/// See kOpenvinoEntry: nothing where the caller is of another version.
extern "C" const likeness::OpenvinoModule* likeness_openvino(const char* version) {
  static const likeness::LoadedOpenvino module;
  return std::strcmp(version, LIKENESS_VERSION) == 0 ? &module : nullptr;
}
