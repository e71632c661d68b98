using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>An error answer of the REST API: <c>{code, message, errors?}</c>.</summary>
internal sealed class DiscordError(int status, int code, string message, JsonObject? errors = null) : Exception(message)
{
    public int Status => status;

    public int Code => code;

    public JsonObject ToJson()
    {
        var body = new JsonObject { ["message"] = Message, ["code"] = code };
        if (errors is not null) body["errors"] = errors.DeepClone();
        return body;
    }

    public static DiscordError Unauthorized() => new(401, 0, "401: Unauthorized");

    public static DiscordError NotFound() => new(404, 0, "404: Not Found");

    public static DiscordError UnknownChannel() => new(404, 10003, "Unknown Channel");

    public static DiscordError UnknownGuild() => new(404, 10004, "Unknown Guild");

    public static DiscordError UnknownMember() => new(404, 10007, "Unknown Member");

    public static DiscordError UnknownMessage() => new(404, 10008, "Unknown Message");

    public static DiscordError UnknownUser() => new(404, 10013, "Unknown User");

    public static DiscordError GuildFull(int limit) => new(400, 30013, $"Maximum number of server channels reached ({limit})");

    public static DiscordError VerifyAccount() => new(403, 40002, "You need to verify your account in order to perform this action.");

    public static DiscordError TooLarge() => new(413, 40005, "Request entity too large");

    public static DiscordError MissingAccess() => new(403, 50001, "Missing Access");

    public static DiscordError NotTheAuthor() => new(403, 50005, "Cannot edit a message authored by another user");

    public static DiscordError EmptyMessage() => new(400, 50006, "Cannot send an empty message");

    public static DiscordError NotAText() => new(400, 50008, "Cannot send messages in a non-text channel");

    public static DiscordError MissingPermissions() => new(403, 50013, "Missing Permissions");

    public static DiscordError WrongChannelType() => new(400, 50024, "Cannot execute action on this channel type");

    public static DiscordError Archived() => new(400, 50083, "Thread is archived");

    public static DiscordError InvalidJson() => new(400, 50109, "The request body contains invalid JSON.");

    public static DiscordError ThreadExists() => new(400, 160004, "A thread has already been created for this message");

    public static DiscordError ThreadLocked() => new(403, 160005, "Thread is locked");

    /// <summary>50035, naming the field by its path (<c>embeds.0.title</c>).</summary>
    public static DiscordError InvalidForm(string path, string code, string message)
    {
        JsonNode errors = new JsonObject { ["_errors"] = new JsonArray(new JsonObject { ["code"] = code, ["message"] = message }) };
        foreach (var step in path.Split('.').Reverse()) errors = new JsonObject { [step] = errors };
        return new(400, 50035, "Invalid Form Body", (JsonObject)errors);
    }

    public static DiscordError TooLong(string path, int limit) =>
        InvalidForm(path, "BASE_TYPE_MAX_LENGTH", $"Must be {limit} or fewer in length.");

    public static DiscordError BadLength(string path, int least, int most) =>
        InvalidForm(path, "BASE_TYPE_BAD_LENGTH", $"Must be between {least} and {most} in length.");

    public static DiscordError Required(string path) => InvalidForm(path, "BASE_TYPE_REQUIRED", "This field is required");

    public static DiscordError NotAChoice(string path, string choices) =>
        InvalidForm(path, "BASE_TYPE_CHOICES", $"Value must be one of {{{choices}}}.");

    public static DiscordError WrongType(string path, string expected) =>
        InvalidForm(path, "BASE_TYPE_BAD_TYPE", $"Value must be of type {expected}.");
}
