using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Answers of content type <c>object_string</c>: JSON text of an array of texts and media. Documented for prompts only, but some bots answer so.</summary>
internal static class CozeObjectString
{
    /// <summary>Puts the texts into one part of the reply, and images and files behind it.</summary>
    public static void Read(scoped in CozeMessage message, string id, CozeReplyTexts texts, IReplySink sink)
    {
        var content = message.Content.ToString();
        if (LenientJson.TryParse(Encoding.UTF8.GetBytes(content)) is not { ValueKind: JsonValueKind.Array } items)
        {
            sink.Set(texts.Part(message.Id, TextKind.Answer, sink), content);
            return;
        }
        var text = string.Join('\n', items.Items().Select(item => item.Text("text"u8)).Where(t => !string.IsNullOrEmpty(t)));
        if (text.Length > 0) sink.Set(texts.Part(message.Id, TextKind.Answer, sink), text);
        var number = 0;
        foreach (var item in items.Items())
        {
            if (item.Text("file_url"u8) is not { Length: > 0 } url) continue;
            sink.Add(item.Text("type"u8) == "image" ? new ImageItem($"{id}-{number}", url) : new OtherItem($"{id}-{number}", "file", url));
            number++;
        }
    }
}
