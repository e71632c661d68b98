namespace CozeCluster.Client;

/// <summary>A message of a history.</summary>
/// <param name="Role">See <see cref="RealCozeRole"/>.</param>
/// <param name="Content">A text, or the JSON text of a list of images or files, see <see cref="RealCozeApi.GenerateChatHistory"/>.</param>
/// <param name="ContentType">1: text, 6: images, 9: files.</param>
public sealed record RealCozeMessage(int Role, string Content, int ContentType = 1);

/// <summary>The authors of messages, and the kinds of what a bot sends.</summary>
public static class RealCozeRole
{
    /// <summary>The bot.</summary>
    public const int Assistant = 1;

    /// <summary>The user.</summary>
    public const int User = 2;

    /// <summary>A call of a plugin.</summary>
    public const int PluginCall = 3;

    /// <summary>The result of a plugin.</summary>
    public const int PluginResult = 4;

    /// <summary>What was found in the knowledge base.</summary>
    public const int Knowledge = 6;
}

/// <summary>A piece of a reply.</summary>
/// <param name="Content">For an answer, the whole text so far.</param>
/// <param name="Continue">Whether it still grows.</param>
/// <param name="ReplyType">See <see cref="RealCozeRole"/>.</param>
public sealed record RealCozeData(string Content, bool Continue, int ReplyType = RealCozeRole.Assistant);

/// <summary>What a callback receives.</summary>
/// <param name="Success">Whether there is a piece of the reply, and no error.</param>
/// <param name="Data">The piece; null with an error.</param>
/// <param name="ErrorMessage">What went wrong; null without an error.</param>
public sealed record RealCozeResult(bool Success, RealCozeData? Data, string? ErrorMessage);

/// <summary>The result of an upload.</summary>
/// <param name="Success">Always true; a failure is a <see cref="RealCozeException"/>.</param>
/// <param name="Data">The id of the file, for <see cref="RealCozeApi.GenerateChatHistory"/>.</param>
public sealed record RealCozeUpload(bool Success, string Data);

/// <summary>Coze refused a request, could not be reached, or cut a reply.</summary>
/// <param name="message">What went wrong. It does not contain the token.</param>
/// <param name="code">Coze's code; 0 if it sent none.</param>
/// <param name="inner">The cause; null if there is none.</param>
public sealed class RealCozeException(string message, int code = 0, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Coze's code; 0 if it sent none.</summary>
    public int Code => code;
}
