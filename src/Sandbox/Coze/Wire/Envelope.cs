namespace CozeCluster.Sandbox.Coze.Wire;

/// <summary>What every JSON answer is wrapped in. Code 0 is success.</summary>
internal sealed record Envelope<T>(int Code, string Msg, T? Data, Detail Detail);

internal sealed record Detail(string Logid);

/// <summary>An answer without data.</summary>
internal sealed record Nothing;

internal sealed record OAuthTokenRequest(string? GrantType, long? DurationSeconds);

/// <summary>A token; <paramref name="ExpiresIn"/> is an absolute Unix time, as on the real server.</summary>
internal sealed record OAuthToken(string AccessToken, long ExpiresIn, string TokenType);

internal sealed record OAuthError(string ErrorCode, string ErrorMessage, string Error);

internal sealed record JwtHeader(string? Alg, string? Typ, string? Kid);

internal sealed record JwtClaims(string? Iss, string? Aud, long? Iat, long? Exp, string? Jti, string? SessionName);
