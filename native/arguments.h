// Reads the positional arguments of one call. An argument of another type reads as 0, "" or an empty span, so that a
// wrong call does nothing; the messages for people are made in TypeScript.
#ifndef PCAPID_ARGUMENTS_H
#define PCAPID_ARGUMENTS_H

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Memory of a typed array, borrowed until the call returns.
template <typename T>
struct Span {
  T *data = nullptr;
  size_t length = 0;
};

template <typename T>
struct ArrayType;
template <>
struct ArrayType<uint8_t> {
  static constexpr napi_typedarray_type value = napi_uint8_array;
};
template <>
struct ArrayType<uint16_t> {
  static constexpr napi_typedarray_type value = napi_uint16_array;
};
template <>
struct ArrayType<uint32_t> {
  static constexpr napi_typedarray_type value = napi_uint32_array;
};
template <>
struct ArrayType<int32_t> {
  static constexpr napi_typedarray_type value = napi_int32_array;
};
template <>
struct ArrayType<double> {
  static constexpr napi_typedarray_type value = napi_float64_array;
};

template <size_t N>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = N;  // absent ones become undefined
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
  }

  double Number(size_t i) const {
    double value = 0;
    return napi_get_value_double(env_, values_[i], &value) == napi_ok ? value : 0;
  }

  int32_t Int(size_t i) const {
    int32_t value = 0;
    return napi_get_value_int32(env_, values_[i], &value) == napi_ok ? value : 0;
  }

  std::string Text(size_t i) const { return TextOf(values_[i]); }

  std::vector<std::string> Texts(size_t i) const {
    std::vector<std::string> texts;
    uint32_t length = 0;
    if (napi_get_array_length(env_, values_[i], &length) != napi_ok) return texts;
    for (uint32_t k = 0; k < length; k++) {
      napi_value element;
      if (napi_get_element(env_, values_[i], k, &element) == napi_ok) texts.push_back(TextOf(element));
    }
    return texts;
  }

  template <typename T>
  Span<T> Array(size_t i) const {
    napi_typedarray_type type;
    Span<T> span;
    void *data = nullptr;
    const napi_status status =
        napi_get_typedarray_info(env_, values_[i], &type, &span.length, &data, nullptr, nullptr);
    if (status != napi_ok || type != ArrayType<T>::value) return {};
    span.data = static_cast<T *>(data);
    return span;
  }

  napi_value operator[](size_t i) const { return values_[i]; }

 private:
  std::string TextOf(napi_value value) const {
    size_t length = 0;
    if (napi_get_value_string_utf8(env_, value, nullptr, 0, &length) != napi_ok) return {};
    std::string text(length, '\0');
    napi_get_value_string_utf8(env_, value, text.data(), length + 1, &length);  // writes the end mark too
    return text;
  }

  napi_env env_;
  napi_value values_[N];
};

inline napi_value ToNumber(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value ToInt(napi_env env, int32_t value) {
  napi_value result = nullptr;
  napi_create_int32(env, value, &result);
  return result;
}

inline napi_value ToText(napi_env env, const std::string &text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

#endif
