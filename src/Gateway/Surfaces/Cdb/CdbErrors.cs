using System.Text.Json;
using CozeCluster.Gateway.Compat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>How a route of the Bridge reports errors.</summary>
/// <param name="Prefix">What precedes the name of the error.</param>
/// <param name="HasStatus">Whether <c>data</c> is <c>{"status":false}</c>; otherwise there is none.</param>
/// <param name="IsOpenAi">Whether it is one of OpenAI's routes, which have an <c>error</c> object.</param>
internal sealed record CdbRoute(string Prefix = "", bool HasStatus = false, bool IsOpenAi = false)
{
    /// <summary>The route of a request; null: none was found.</summary>
    public static CdbRoute? Of(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<CdbRoute>();
}

/// <summary>Writes errors as Coze-Discord-Bridge did: 403 and 404 with a code and a message, everything else as 400 with the name of an exception.</summary>
internal sealed class CdbErrors : IErrorShape
{
    /// <summary>An error with the name that the old system gave it, where the code of ours does not say it.</summary>
    public static ClusterException Named(HttpContext context, string name, string message)
    {
        context.Features.Set(new ExceptionName(name));
        return new ClusterException(ErrorCode.InvalidRequest, message);
    }

    public int StatusOf(HttpContext context, Error error)
    {
        var own = ErrorTable.Of(error.Code).Status;
        return error.Code switch
        {
            ErrorCode.InvalidApiKey or ErrorCode.PermissionDenied => StatusCodes.Status403Forbidden,
            ErrorCode.NotFound or ErrorCode.MethodNotAllowed when CdbRoute.Of(context) is null => StatusCodes.Status404NotFound,
            // The old system had none of these limits.
            _ when own is 413 or 429 or 503 => own,
            _ => StatusCodes.Status400BadRequest,
        };
    }

    public void WriteBody(HttpContext context, Utf8JsonWriter writer, Error error)
    {
        var status = StatusOf(context, error);
        var route = CdbRoute.Of(context) ?? new CdbRoute();
        var fixedMessage = status switch
        {
            StatusCodes.Status403Forbidden => "无权访问本服务",
            StatusCodes.Status404NotFound => "终结点不存在",
            _ => null,
        };
        var message = fixedMessage ?? $"{route.Prefix}{NameOf(context, error)}:{error.Message}";
        writer.WriteStartObject();
        if (route.IsOpenAi && fixedMessage is null)
        {
            writer.WriteStartObject("error"u8);
            writer.WriteString("message"u8, message);
            writer.WriteString("type"u8, "one_api_error"u8);
            writer.WriteEndObject();
        }
        else
        {
            writer.WriteNumber("code"u8, status);
            writer.WriteString("message"u8, message);
            if (route.HasStatus && fixedMessage is null)
            {
                writer.WriteStartObject("data"u8);
                writer.WriteBoolean("status"u8, false);
                writer.WriteEndObject();
            }
        }
        writer.WriteEndObject();
    }

    /// <summary>The name that the old system had for an error.</summary>
    private static string NameOf(HttpContext context, Error error) => context.Features.Get<ExceptionName>()?.Name ?? error.Code switch
    {
        ErrorCode.NotFound => "InvalidConversationException",
        ErrorCode.InvalidRequest when error.Param == "name" => "InvalidConversationException",
        ErrorCode.InvalidRequest or ErrorCode.UpstreamInvalidRequest or ErrorCode.FileRejected => "InvalidPromptException",
        ErrorCode.ContextLengthExceeded or ErrorCode.PayloadTooLarge => "PromptTooLongException",
        ErrorCode.NoBotAvailable or ErrorCode.ModelNotFound or ErrorCode.UpstreamUnauthorized => "NoAccountLoginException",
        ErrorCode.RateLimited or ErrorCode.ConversationBusy or ErrorCode.Draining or ErrorCode.Overloaded or ErrorCode.CallRejected => "SendMessageException",
        ErrorCode.Cancelled => "StopGenerateException",
        _ => "RecvMsgException",
    };

    private sealed record ExceptionName(string Name);
}
