using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>An error response of the REST API: <c>{code, message, errors?}</c>.</summary>
internal sealed class RestException(int status, int code, string message, JsonObject? errors = null) : Exception(message)
{
    public int Status => status;

    public int Code => code;

    public JsonObject ToJson()
    {
        var body = new JsonObject { ["message"] = Message, ["code"] = code };
        if (errors is not null) body["errors"] = errors.DeepClone();
        return body;
    }

    public static RestException Unauthorized() => new(401, 0, "401: Unauthorized");

    public static RestException NotFound() => new(404, 0, "404: Not Found");

    public static RestException UnknownChannel() => new(404, 10003, "Unknown Channel");

    public static RestException UnknownGuild() => new(404, 10004, "Unknown Guild");

    public static RestException UnknownMember() => new(404, 10007, "Unknown Member");

    public static RestException UnknownMessage() => new(404, 10008, "Unknown Message");

    public static RestException UnknownUser() => new(404, 10013, "Unknown User");

    public static RestException GuildIsFull(int limit) => new(400, 30013, $"Maximum number of server channels reached ({limit})");

    public static RestException VerificationRequired() => new(403, 40002, "You need to verify your account in order to perform this action.");

    public static RestException RequestTooLarge() => new(413, 40005, "Request entity too large");

    public static RestException MissingAccess() => new(403, 50001, "Missing Access");

    public static RestException NotTheAuthor() => new(403, 50005, "Cannot edit a message authored by another user");

    public static RestException EmptyMessage() => new(400, 50006, "Cannot send an empty message");

    public static RestException NotATextChannel() => new(400, 50008, "Cannot send messages in a non-text channel");

    public static RestException MissingPermissions() => new(403, 50013, "Missing Permissions");

    public static RestException WrongChannelType() => new(400, 50024, "Cannot execute action on this channel type");

    public static RestException ThreadArchived() => new(400, 50083, "Thread is archived");

    public static RestException InvalidJson() => new(400, 50109, "The request body contains invalid JSON.");

    public static RestException ThreadExists() => new(400, 160004, "A thread has already been created for this message");

    public static RestException ThreadLocked() => new(403, 160005, "Thread is locked");

    /// <summary>50035: a field is invalid. The path names it, for example <c>embeds.0.title</c>.</summary>
    public static RestException InvalidForm(string path, string code, string message)
    {
        JsonNode errors = new JsonObject { ["_errors"] = new JsonArray(new JsonObject { ["code"] = code, ["message"] = message }) };
        foreach (var step in path.Split('.').Reverse()) errors = new JsonObject { [step] = errors };
        return new(400, 50035, "Invalid Form Body", (JsonObject)errors);
    }

    public static RestException NotAnObject(string path) =>
        InvalidForm(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");

    public static RestException TooLong(string path, int limit) =>
        InvalidForm(path, "BASE_TYPE_MAX_LENGTH", $"Must be {limit} or fewer in length.");

    public static RestException InvalidLength(string path, int min, int max) =>
        InvalidForm(path, "BASE_TYPE_BAD_LENGTH", $"Must be between {min} and {max} in length.");

    public static RestException Required(string path) => InvalidForm(path, "BASE_TYPE_REQUIRED", "This field is required");

    public static RestException InvalidChoice(string path, string choices) =>
        InvalidForm(path, "BASE_TYPE_CHOICES", $"Value must be one of {{{choices}}}.");

    public static RestException WrongType(string path, string expected) =>
        InvalidForm(path, "BASE_TYPE_BAD_TYPE", $"Value must be of type {expected}.");
}
