using System.Buffers;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>The parameters of a request: those of a JSON object or a form in its body, and those of its query. Names are case-sensitive.</summary>
internal sealed class CdbParameters
{
    private const int MaxFormFields = 1000;

    /// <summary>The largest form, and the longest JSON inside of a text. Both are copied, where a JSON body is read in place.</summary>
    private const int MaxFormBytes = 8 << 20;

    private readonly JsonElement? _json;
    private readonly IReadOnlyDictionary<string, StringValues> _form;
    private readonly IQueryCollection _query;

    private CdbParameters(JsonElement? json, IReadOnlyDictionary<string, StringValues> form, IQueryCollection query) =>
        (_json, _form, _query) = (json, form, query);

    /// <summary>The parameters of a request without a body.</summary>
    public static CdbParameters Of(IQueryCollection query) => new(null, new Dictionary<string, StringValues>(), query);

    /// <summary>Reads a body. The parameters are valid until <paramref name="read"/> returns.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: it is neither a JSON object nor a form.</exception>
    public static T Parse<T>(ReadOnlySequence<byte> body, IQueryCollection query, Func<CdbParameters, T> read)
    {
        var bytes = body.Slice(CountWhiteSpace(body));
        if (bytes.IsEmpty) return read(Of(query));
        if (bytes.FirstSpan[0] == (byte)'{')
            return JsonBody.Parse(bytes, (root, _) => read(new CdbParameters(root, new Dictionary<string, StringValues>(), query)), isLenient: true);
        if (bytes.Length > MaxFormBytes) throw TooLarge();
        var text = Encoding.UTF8.GetString(bytes);
        if (text.AsSpan().Count('&') >= MaxFormFields)
            throw new ClusterException(ErrorCode.InvalidRequest, $"The form has too many fields. Send at most {MaxFormFields}.");
        return read(new CdbParameters(null, QueryHelpers.ParseQuery(text), query));
    }

    /// <summary>A parameter as text; null if it is absent or null.</summary>
    public string? Text(string name)
    {
        if (_json is { } json)
        {
            if (JsonInput.FindMember(json, name) is { } value)
                return value.ValueKind == JsonValueKind.String ? JsonInput.ReadString(value, JsonFieldPath.Root[name]) : value.GetRawText();
        }
        else if (_form.TryGetValue(name, out var field)) return field[^1] ?? "";
        return _query.TryGetValue(name, out var values) ? values[^1] ?? "" : null;
    }

    /// <summary>A parameter that is on or off; null if it is absent or neither.</summary>
    public bool? Flag(string name) => Text(name)?.ToLowerInvariant() switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => null,
    };

    /// <summary>A parameter as JSON. In a form or a query, its text is JSON. The result must not contain the element.</summary>
    /// <returns>The result of <paramref name="read"/>; null if the parameter is absent or null.</returns>
    public T? Json<T>(string name, Func<JsonElement, JsonFieldPath, T> read) where T : class
    {
        var path = JsonFieldPath.Root[name];
        if (_json is { } json && JsonInput.FindMember(json, name) is { } member && member.ValueKind != JsonValueKind.String) return read(member, path);
        if (Text(name) is not { Length: > 0 } text) return null;
        if (text.Length > MaxFormBytes) throw TooLarge();
        // Parsed as the member of an object, so that the limits of bodies apply.
        var wrapped = new ReadOnlySequence<byte>([.. "{\"value\":"u8, .. Encoding.UTF8.GetBytes(text), .. "}"u8]);
        return JsonBody.Parse(wrapped, (root, _) => read(JsonInput.GetMember(root, "value", path), path), isLenient: true);
    }

    /// <summary>A parameter as the UTF-8 of its text, because uploads can be megabytes long; empty if it is absent.</summary>
    public ReadOnlySpan<byte> Utf8(string name)
    {
        if (_json is { } json && JsonInput.FindMember(json, name) is { ValueKind: JsonValueKind.String } value)
            return JsonInput.ReadUtf8(value, JsonFieldPath.Root[name]);
        return Encoding.UTF8.GetBytes(Text(name) ?? "");
    }

    private static ClusterException TooLarge() =>
        new(ErrorCode.PayloadTooLarge, $"The form is larger than this server accepts. Send at most {MaxFormBytes} bytes, or send JSON.");

    private static long CountWhiteSpace(ReadOnlySequence<byte> body)
    {
        var reader = new SequenceReader<byte>(body);
        return reader.AdvancePastAny(" \t\r\n"u8);
    }
}
