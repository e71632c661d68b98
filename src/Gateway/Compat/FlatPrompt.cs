using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Compat;

/// <summary>A request whose messages are sent as one text, as older systems did.</summary>
internal static class FlatPrompt
{
    /// <summary>Creates a request with one message.</summary>
    /// <param name="model">The id of the model.</param>
    /// <param name="text">The text of the message.</param>
    /// <param name="source">The messages that the text was made of. Media of the user's last message goes with the text. Null: there are none.</param>
    public static ChatRequest Create(string model, string text, MessageReader? source = null)
    {
        var parts = new List<ContentPart> { new TextContent(text) };
        var uploads = new List<Upload>();
        if (source?.Messages.LastOrDefault(message => message.Role == ChatRole.User) is { Content: List<ContentPart> given })
        {
            for (var i = 0; i < given.Count; i++)
            {
                var upload = source.Uploads.FirstOrDefault(upload => ReferenceEquals(upload.Parts, given) && upload.Index == i);
                if (upload is not null) uploads.Add(upload with { Parts = parts, Index = parts.Count });
                if (upload is not null || given[i] is not TextContent) parts.Add(given[i]);
            }
        }
        return Create(model, parts, uploads, text.Length);
    }

    /// <summary>Creates a request with one message that has a picture.</summary>
    /// <param name="model">The id of the model.</param>
    /// <param name="text">The text of the message.</param>
    /// <param name="image">The picture; null: none.</param>
    public static ChatRequest Create(string model, string text, Media? image)
    {
        var parts = new List<ContentPart> { new TextContent(text) };
        if (image is null) return Create(model, parts, [], text.Length);
        // A placeholder, which is replaced when the bytes are in the blob store.
        parts.Add(new TextContent(""));
        return Create(model, parts, [new Upload(parts, 1, image, static source => new ImageContent(source))], text.Length);
    }

    /// <summary>The text of a message that was just read: without the empty parts that take the place of media.</summary>
    public static string TextOf(ChatMessage message) =>
        string.Join('\n', message.Content.OfType<TextContent>().Select(part => part.Text).Where(text => text.Length > 0));

    private static ChatRequest Create(string model, List<ContentPart> parts, IReadOnlyList<Upload> uploads, int length) => new()
    {
        Model = model, Messages = [new ChatMessage(ChatRole.User, parts)], Uploads = uploads, PromptLength = length, Fingerprint = "",
    };
}
