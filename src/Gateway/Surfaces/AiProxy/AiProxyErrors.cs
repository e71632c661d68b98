using System.Text.Json;
using CozeCluster.Gateway.Compat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>Writes errors as aiproxy did: <c>{"error":{message,type,param,code}}</c>, in which all four are texts.</summary>
internal sealed class AiProxyErrors : IErrorShape
{
    public int StatusOf(HttpContext context, Error error) => ErrorTable.Of(error.Code).Status;

    public void WriteBody(HttpContext context, Utf8JsonWriter writer, Error error) => Write(writer, error);

    /// <summary>Writes the body.</summary>
    public static void Write(Utf8JsonWriter writer, Error error)
    {
        var row = ErrorTable.Of(error.Code);
        writer.WriteStartObject();
        writer.WriteStartObject("error"u8);
        writer.WriteString("message"u8, error.Message);
        writer.WriteString("type"u8, row.OpenAiType);
        writer.WriteString("param"u8, error.Param ?? "");
        writer.WriteString("code"u8, error.Code == ErrorCode.InvalidRequest ? "invalid_parameter" : row.OpenAiCode);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
