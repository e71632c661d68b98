using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>Writes the errors of the admin API as problem details (RFC 9457), with the members <c>code</c>, <c>field</c> and <c>request_id</c>.</summary>
internal sealed class AdminErrors : IErrorShape
{
    public const string MediaType = "application/problem+json";

    public static AdminErrors Instance { get; } = new();

    public string ContentType => MediaType;

    public static bool AppliesTo(HttpContext context) => context.Request.Path.StartsWithSegments(AdminApi.Prefix);

    public int StatusOf(HttpContext context, Error error) => ErrorTable.Of(error.Code).Status;

    public void WriteBody(HttpContext context, Utf8JsonWriter writer, Error error)
    {
        var row = ErrorTable.Of(error.Code);
        writer.WriteStartObject();
        writer.WriteString("type"u8, "about:blank"u8);
        writer.WriteString("title"u8, ReasonPhrases.GetReasonPhrase(row.Status));
        writer.WriteNumber("status"u8, row.Status);
        writer.WriteString("detail"u8, error.Message);
        writer.WriteString("code"u8, row.Name);
        if (error.Param is { Length: > 0 } field) writer.WriteString("field"u8, field);
        writer.WriteString("request_id"u8, RequestInfo.Of(context).RequestId);
        writer.WriteEndObject();
    }
}
