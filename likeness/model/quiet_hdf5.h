#pragma once

// Inside model/ only: libhdf5 without its own many-line error stacks on stderr.

#include <hdf5.h>

namespace likeness {

/// While it lives libhdf5 prints nothing; afterwards the handler is there again that the host program, which
/// may use libhdf5 too, had set (of this thread where libhdf5 knows threads).
class QuietHdf5 {
 public:
  QuietHdf5() {
    H5Eget_auto2(H5E_DEFAULT, &handler_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  QuietHdf5(const QuietHdf5&) = delete;
  QuietHdf5& operator=(const QuietHdf5&) = delete;
  ~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, handler_, data_); }

 private:
  H5E_auto2_t handler_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace likeness
