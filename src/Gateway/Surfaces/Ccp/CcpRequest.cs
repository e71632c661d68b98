using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Surfaces.Ccp;

/// <summary>A chat completion request as coze-chat-proxy understood it: roles do not matter, and unknown fields are ignored.</summary>
/// <param name="Model">The requested model; null: none.</param>
/// <param name="Text">The contents of all messages, each with a line break after it, cut at the beginning.</param>
/// <param name="Messages">The messages.</param>
/// <param name="Stream">Whether to answer with server-sent events.</param>
internal sealed record CcpRequest(string? Model, string Text, MessageReader Messages, bool Stream)
{
    /// <summary>The option of an endpoint with the longest text in bytes of UTF-8. <c>0</c>: any length.</summary>
    public const string LimitOption = "history_bytes";

    /// <summary>A message of Discord. The old system measured it in bytes.</summary>
    private const int DefaultLimit = 2000;

    private const int MaxModelLength = 256;
    private const int MaxPromptLength = 32_000;

    /// <summary>Reads the option; see <see cref="LimitOption"/>.</summary>
    public static int ReadLimit(string? option) => option is null ? DefaultLimit : int.Parse(option, NumberStyles.None, CultureInfo.InvariantCulture);

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static CcpRequest Read(JsonElement root, int limit)
    {
        var path = JsonFieldPath.Root;
        JsonInput.CheckObject(root, path);
        var messages = new MessageReader();
        messages.Read(JsonInput.GetMember(root, "messages", path), path["messages"]);
        var text = string.Concat(messages.Messages.Select(message => FlatPrompt.TextOf(message) + "\n"));
        if (string.IsNullOrWhiteSpace(text)) throw path["messages"].Invalid("Invalid 'messages': expected some text.");
        var stream = JsonInput.FindMember(root, "stream") is { } streamed && JsonInput.ReadBoolean(streamed, path["stream"]);
        return new CcpRequest(ReadModel(root), limit == 0 ? text : KeepEnd(text, limit), messages, stream);
    }

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static (string? Model, string Prompt) ReadImage(JsonElement root)
    {
        var path = JsonFieldPath.Root;
        JsonInput.CheckObject(root, path);
        return (ReadModel(root), JsonInput.ReadString(JsonInput.GetMember(root, "prompt", path), path["prompt"], 1, MaxPromptLength));
    }

    /// <summary>The end of a text. A text that is too long keeps one byte less than the limit, and no part of a character.</summary>
    internal static string KeepEnd(string text, int limit)
    {
        if (Encoding.UTF8.GetByteCount(text) <= limit) return text;
        var (start, left) = (text.Length, limit - 1);
        while (start > 0)
        {
            var isPair = start > 1 && char.IsSurrogatePair(text[start - 2], text[start - 1]);
            var length = isPair ? 4 : Encoding.UTF8.GetByteCount(text.AsSpan(start - 1, 1));
            if (length > left) break;
            left -= length;
            start -= isPair ? 2 : 1;
        }
        return text[start..];
    }

    private static string? ReadModel(JsonElement root) => JsonInput.FindText(root, "model", JsonFieldPath.Root, MaxModelLength);
}
