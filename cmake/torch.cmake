# libtorch (Debian's libtorch-dev), for train/ only. Found by hand: its own TorchConfig.cmake brings compile options
# and a search for other libraries with it, which nothing outside train/ should see.
find_path(LIKENESS_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h)
find_library(LIKENESS_TORCH torch)
find_library(LIKENESS_TORCH_CPU torch_cpu)
find_library(LIKENESS_C10 c10)

set(likeness_torch_usable OFF)
# libtorch's own threads are not built for ThreadSanitizer, which would report them.
if(LIKENESS_TORCH_INCLUDE AND LIKENESS_TORCH AND LIKENESS_TORCH_CPU AND LIKENESS_C10 AND
   NOT LIKENESS_SANITIZE MATCHES thread)
  set(likeness_torch_usable ON)
endif()
option(LIKENESS_TRAIN "Build likeness-train; needs libtorch" ${likeness_torch_usable})

if(LIKENESS_TRAIN)
  if(NOT likeness_torch_usable)
    message(FATAL_ERROR "LIKENESS_TRAIN needs Debian's libtorch-dev and no ThreadSanitizer; or -DLIKENESS_TRAIN=OFF")
  endif()
  add_library(likeness_torch INTERFACE)
  target_include_directories(likeness_torch SYSTEM INTERFACE
    ${LIKENESS_TORCH_INCLUDE} ${LIKENESS_TORCH_INCLUDE}/torch/csrc/api/include)
  target_link_libraries(likeness_torch INTERFACE ${LIKENESS_TORCH} ${LIKENESS_TORCH_CPU} ${LIKENESS_C10})
endif()
