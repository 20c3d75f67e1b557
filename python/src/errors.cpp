#include <array>

#include "common.h"
#include "likeness/core/error.h"

namespace likeness::python {
namespace {

/// In the order of ErrorCode: the class in likeness.errors, and the code's name.
struct Kind {
  const char* exception;
  const char* code;
};
constexpr std::array<Kind, 10> kKinds{{{"ImageUnreadableError", "image_unreadable"},
                                       {"InputUnreadableError", "input_unreadable"},
                                       {"ModelNotFoundError", "model_not_found"},
                                       {"ModelInvalidError", "model_invalid"},
                                       {"DataInvalidError", "data_invalid"},
                                       {"ModelMismatchError", "model_mismatch"},
                                       {"OutputUnwritableError", "output_unwritable"},
                                       {"UnsupportedError", "unsupported"},
                                       {"UnavailableError", "unavailable"},
                                       {"StoppedError", "stopped"}}};

constexpr std::array kRemedies{"none",          "fetch_models", "use_f32",        "quantize",
                               "choose_output", "choose_size",  "enrol_somebody", "give_passphrase"};

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const Kind& kind = kKinds.at(static_cast<std::size_t>(error.code()));
    const nb::object exception = nb::module_::import_("likeness.errors").attr(kind.exception);
    nb::object value = exception(error.what());
    value.attr("remedy") = kRemedies.at(static_cast<std::size_t>(error.remedy()));
    PyErr_SetObject(exception.ptr(), value.ptr());
  }
}

}  // namespace

void bind_errors(nb::module_& m) {
  nb::register_exception_translator(translate);
  // Thrown on purpose by tests: every code has its class.
  m.def(
      "_raise", [](std::size_t code) { throw Error(static_cast<ErrorCode>(code), kKinds.at(code).code); },
      nb::arg("code"), "Raises the error with this number: for tests.");
  nb::list codes;
  for (const Kind& kind : kKinds) codes.append(kind.code);
  m.attr("_CODES") = codes;
}

}  // namespace likeness::python
