// Stands between ONNX Runtime and OpenVINO's plug-in provider.
//
// The plug-in offers OpenVINO's CPU device only where the processor is Intel's, though OpenVINO runs
// on others too. Where it doesn't, this library offers it; all else it passes on. ONNX Runtime
// loads this library in the plug-in's place, after `hetsched_gate_target` has said where that is.
//
// ONNX Runtime's C interface is a table of functions which only grows: a function's number is for
// ever. Source: onnxruntime_c_api.h and its static_assert of `GetEpApi` being number 317 (API 22).

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace {

using Function = void (*)();
using Status = void;  // OrtStatus; null is success

struct ApiBase {
  const Function* (*get_api)(std::uint32_t version);
  const char* (*version)();
};

struct Factory {  // the start of OrtEpFactory
  std::uint32_t version;
  const char* (*name)(const Factory*);
  const char* (*vendor)(const Factory*);
  Status* (*devices)(Factory*, const void* const* hardware, std::size_t count, void** found,
                     std::size_t room, std::size_t* found_count);
};

constexpr std::uint32_t kApiVersion = 22;
constexpr int kCreateStatus = 0;
constexpr int kCreatePairs = 295;
constexpr int kAddPair = 296;
constexpr int kReleasePairs = 300;
constexpr int kHardwareType = 307;
constexpr int kEpDeviceHardware = 316;
constexpr int kEpApi = 317;
constexpr int kCreateEpDevice = 0;  // in the table that number 317 gives
constexpr int kFail = 1;
constexpr int kCpu = 0;
constexpr const char* kProvider = "OpenVINOExecutionProvider";

std::string target;
const Function* api = nullptr;
decltype(Factory::devices) plugin_devices = nullptr;

template <class Signature>
Signature* function(const Function* table, int number) {
  return reinterpret_cast<Signature*>(table[number]);
}

Status* failure(const char* what) {
  return function<Status*(int, const char*)>(api, kCreateStatus)(kFail, what);
}

Status* offer_cpu(Factory* factory, const void* hardware, void** device) {
  void* about = nullptr;
  function<void(void**)>(api, kCreatePairs)(&about);
  function<void(void*, const char*, const char*)>(api, kAddPair)(about, "ov_device", "CPU");
  const Function* provider_api = function<const Function*()>(api, kEpApi)();
  using Create = Status*(Factory*, const void*, const void*, const void*, void**);
  Status* status =
      function<Create>(provider_api, kCreateEpDevice)(factory, hardware, about, nullptr, device);
  function<void(void*)>(api, kReleasePairs)(about);
  return status;
}

bool is_offered(const void* hardware, void* const* found, std::size_t count) {
  auto* hardware_of = function<const void*(const void*)>(api, kEpDeviceHardware);
  for (std::size_t i = 0; i < count; ++i) {
    if (hardware_of(found[i]) == hardware) return true;
  }
  return false;
}

Status* devices(Factory* factory, const void* const* hardware, std::size_t count, void** found,
                std::size_t room, std::size_t* found_count) {
  Status* status = plugin_devices(factory, hardware, count, found, room, found_count);
  for (std::size_t i = 0; i < count && status == nullptr && *found_count < room; ++i) {
    if (function<int(const void*)>(api, kHardwareType)(hardware[i]) != kCpu) continue;
    if (is_offered(hardware[i], found, *found_count)) continue;
    status = offer_cpu(factory, hardware[i], &found[*found_count]);
    if (status == nullptr) ++*found_count;
  }
  return status;
}

template <class Signature>
Signature* symbol(const char* name) {
  void* library = dlopen(target.c_str(), RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<Signature*>(dlsym(library, name));
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void hetsched_gate_target(const char* path) {
  target = path;
}

__attribute__((visibility("default"))) Status* CreateEpFactories(
    const char* name, const ApiBase* base, const void* logger, Factory** factories,
    std::size_t room, std::size_t* count) {
  api = base->get_api(kApiVersion);
  using Create = Status*(const char*, const ApiBase*, const void*, Factory**, std::size_t,
                         std::size_t*);
  Create* create = symbol<Create>("CreateEpFactories");
  if (create == nullptr) return failure("OpenVINO's plug-in can't be loaded");
  Status* status = create(name, base, logger, factories, room, count);
  if (status != nullptr) return status;
  for (std::size_t i = 0; i < *count; ++i) {
    if (std::strcmp(factories[i]->name(factories[i]), kProvider) != 0) continue;
    plugin_devices = factories[i]->devices;
    factories[i]->devices = devices;
  }
  return nullptr;
}

__attribute__((visibility("default"))) Status* ReleaseEpFactory(Factory* factory) {
  auto* release = symbol<Status*(Factory*)>("ReleaseEpFactory");
  return release == nullptr ? nullptr : release(factory);
}

}  // extern "C"
